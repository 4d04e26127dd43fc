//! Setting up the client for an S3-compatible store.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, RetryConfig};
use url::{Host, Url};

use super::{BlobError, S3Options};

const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// How long the server may be silent, be it before its answer or within.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);

pub(super) fn client(bucket: &str, options: &S3Options) -> Result<AmazonS3, BlobError> {
    // Whoever came first has chosen the provider; there is only one to choose.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(!options.path_style)
        .with_conditional_put(match options.conditional_put {
            true => S3ConditionalPut::ETagMatch,
            false => S3ConditionalPut::Disabled,
        })
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
            },
            max_retries: 3,
            retry_timeout: Duration::from_secs(8),
        });
    if let Some(region) = &options.region {
        builder = builder.with_region(region);
    }
    if let Some(id) = &options.access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(secret) = &options.secret_access_key {
        builder = builder.with_secret_access_key(secret.expose());
    }
    let endpoint = endpoint(bucket, options, &builder)?;
    let mut client = ClientOptions::new()
        .with_connect_timeout(CONNECT_PATIENCE)
        .with_read_timeout(SILENCE_LIMIT)
        // A blob may go to a slow client for minutes.
        .with_timeout_disabled();
    if let Some(endpoint) = endpoint {
        if endpoint.scheme() == "http" {
            // No certificates are needed then, so that none need be there.
            client = client
                .with_allow_http(true)
                .with_config(ClientConfigKey::NoSystemCertificates, "true");
        }
        let text = endpoint.as_str().trim_end_matches('/');
        builder = builder
            .with_config(AmazonS3ConfigKey::S3Endpoint, text)
            .with_endpoint(text);
    }
    builder
        .with_client_options(client)
        .build()
        .map_err(|error| BlobError::Client(error.to_string()))
}

/// The server to speak to, if it is not Amazon's, checked for being safe to speak to.
fn endpoint(bucket: &str, options: &S3Options, builder: &AmazonS3Builder) -> Result<Option<Url>, BlobError> {
    let from_environment = || {
        let keys = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
        keys.iter().find_map(|key| builder.get_config_value(key))
    };
    let Some(text) = options.endpoint.clone().or_else(from_environment) else {
        return Ok(None);
    };
    let unusable = |why: &str| BlobError::Settings(format!("the S3 endpoint {why}"));
    let mut endpoint = Url::parse(&text).map_err(|error| unusable(&format!("is not a URL: {error}")))?;
    if !matches!(endpoint.scheme(), "http" | "https") {
        return Err(unusable("must start with https:// or http://"));
    }
    if endpoint.scheme() == "http" && !options.allow_http && !is_loopback(&endpoint) {
        return Err(unusable(
            "is plain http to another machine, which must be allowed explicitly",
        ));
    }
    if !options.path_style
        && let Some(Host::Domain(host)) = endpoint.host()
        && !host.starts_with(&format!("{bucket}."))
    {
        let host = format!("{bucket}.{host}");
        endpoint
            .set_host(Some(&host))
            .map_err(|_| unusable("and the bucket make no host name"))?;
    }
    Ok(Some(endpoint))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(endpoint: &str, change: impl FnOnce(&mut S3Options)) -> Result<String, BlobError> {
        let mut options = S3Options {
            endpoint: Some(endpoint.to_owned()),
            ..S3Options::default()
        };
        change(&mut options);
        super::endpoint("files", &options, &AmazonS3Builder::new()).map(|url| url.unwrap().to_string())
    }

    #[test]
    fn plain_http_leaves_the_machine_only_when_allowed() {
        for here in [
            "http://127.0.0.1:9000",
            "http://127.8.8.8",
            "http://[::1]:9000",
            "http://localhost:9000",
        ] {
            assert!(resolve(here, |_| {}).is_ok(), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.1:9000",
            "http://minio:9000",
            "http://localhost.example.org",
        ] {
            assert!(
                matches!(resolve(elsewhere, |_| {}), Err(BlobError::Settings(_))),
                "{elsewhere}"
            );
            assert!(
                resolve(elsewhere, |options| options.allow_http = true).is_ok(),
                "{elsewhere}"
            );
        }
        assert!(resolve("https://s3.example.org", |_| {}).is_ok());
        assert!(resolve("ftp://s3.example.org", |_| {}).is_err());
    }

    #[test]
    fn the_bucket_goes_into_the_host_name_when_asked_to() {
        let hosted = |options: &mut S3Options| options.path_style = false;
        assert_eq!(
            resolve("https://s3.example.org", hosted).unwrap(),
            "https://files.s3.example.org/"
        );
        assert_eq!(
            resolve("https://files.s3.example.org", hosted).unwrap(),
            "https://files.s3.example.org/"
        );
    }
}
