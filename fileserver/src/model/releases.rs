//! Releases of the client apps: which there are, and which is the newest of a channel.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Releases that are remembered of each channel of an app.
const REMEMBERED: usize = 10;

/// The most bytes of release notes that are kept.
const NOTES_LIMIT: usize = 64 * 1024;

/// A client app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Desktop.
    Desktop,
    /// Android.
    Android,
    /// iOS.
    Ios,
}

/// How finished a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// For everybody.
    Stable,
    /// For the curious.
    Prerelease,
    /// For testers.
    Alpha,
}

/// A version: three numbers, and the number of the alpha or beta build if it is one. Newer versions are greater.
///
/// It is shown to clients as `1.2.3`, also if it is a beta, or as `1.2.3-alpha.4`; what is serialized names betas too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    numbers: (u16, u16, u16),
    stage: Stage,
}

/// How far a version has come; a finished one is greater than its builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Alpha(u16),
    Beta(u16),
    Finished,
}

/// One release of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its version, with or without a `v` in front.
    pub version: Version,
    /// Whether it is a pre-release, as betas are in any case. Alpha builds are a channel of their own.
    #[serde(default)]
    pub prerelease: bool,
    /// Title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Release notes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Files to download.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// File name.
    pub name: String,
    /// Where it can be downloaded.
    pub url: String,
}

/// What is known of one app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// When this was learnt, in seconds since the epoch.
    pub updated: f64,
    /// Its releases, in any order.
    pub releases: Vec<Release>,
}

/// What is known of all apps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Releases(BTreeMap<Platform, Project>);

/// The newest release of a channel, and the newest pre-release beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latest<'releases> {
    /// When this was learnt, in seconds since the epoch.
    pub updated: f64,
    /// The newest of the channel.
    pub release: &'releases Release,
    /// The newest pre-release, whatever channel was asked for.
    pub prerelease: Option<&'releases Release>,
}

impl Releases {
    /// Replaces what is known of one app. Notes are cut to 64 KiB, and assets without an address are left out.
    pub fn learn(&mut self, platform: Platform, mut project: Project) {
        for release in &mut project.releases {
            let cut = release.notes.floor_char_boundary(NOTES_LIMIT);
            release.notes.truncate(cut);
            release.assets.retain(|asset| !asset.url.is_empty());
        }
        self.0.insert(platform, project);
    }

    /// Adds to what is known of one app: what is told again is replaced, and the newest ten releases of each channel
    /// are remembered. For sources that tell only of what is recent.
    pub fn learn_more(&mut self, platform: Platform, told: Project) {
        let known = self.0.remove(&platform).map(|known| known.releases).unwrap_or_default();
        let by_version = |release: Release| (release.version, release);
        let all: BTreeMap<Version, Release> = known.into_iter().chain(told.releases).map(by_version).collect();
        let newest = |channel| {
            let inside = all.values().rev().filter(move |release| release.channel() == channel);
            inside.take(REMEMBERED).cloned()
        };
        let releases = Channel::ALL.into_iter().flat_map(newest).collect();
        let updated = told.updated;
        self.learn(platform, Project { updated, releases });
    }

    /// All apps that something is known of.
    pub fn projects(self) -> impl Iterator<Item = (Platform, Project)> {
        self.0.into_iter()
    }

    /// The newest release of an app in a channel; `None` if there is none.
    #[must_use]
    pub fn latest(&self, platform: Platform, channel: Channel) -> Option<Latest<'_>> {
        let project = self.0.get(&platform)?;
        let newest = |channel| {
            let inside = project
                .releases
                .iter()
                .filter(move |release| release.channel() == channel);
            inside.max_by_key(|release| release.version)
        };
        let release = newest(channel)?;
        Some(Latest {
            updated: project.updated,
            release,
            prerelease: newest(Channel::Prerelease),
        })
    }
}

impl Release {
    /// The channel the release belongs to.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match (self.version.stage, self.prerelease) {
            (Stage::Alpha(_), _) => Channel::Alpha,
            (Stage::Beta(_), _) | (Stage::Finished, true) => Channel::Prerelease,
            (Stage::Finished, false) => Channel::Stable,
        }
    }
}

impl Version {
    /// Reads the tag of a release: an optional `v`, three numbers of up to three digits, and an optional `-alpha.N` or
    /// `-beta.N`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let (numbers, rest) = match tag.strip_prefix('v').unwrap_or(tag).split_once('-') {
            Some((numbers, rest)) => (numbers, Some(rest)),
            None => (tag.strip_prefix('v').unwrap_or(tag), None),
        };
        let stage = match rest.map(|rest| rest.split_once('.')) {
            None => Stage::Finished,
            Some(Some(("alpha", number))) => Stage::Alpha(small(number, 5)?),
            Some(Some(("beta", number))) => Stage::Beta(small(number, 5)?),
            Some(_) => return None,
        };
        let mut parts = numbers.split('.').map(|part| small(part, 3));
        let version = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(Self {
            numbers: version,
            stage,
        })
    }
}

fn small(digits: &str, most: usize) -> Option<u16> {
    let plain = (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}")?;
        match self.stage {
            Stage::Alpha(number) => write!(formatter, "-alpha.{number}"),
            Stage::Beta(_) | Stage::Finished => Ok(()),
        }
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        match version.stage {
            Stage::Beta(number) => format!("{version}-beta.{number}"),
            Stage::Alpha(_) | Stage::Finished => version.to_string(),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_tag(&text).ok_or_else(|| format!("{text:?} is no version such as 1.2.3 or 1.2.3-alpha.4"))
    }
}

impl FromStr for Platform {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "desktop" => Ok(Self::Desktop),
            "android" => Ok(Self::Android),
            "ios" => Ok(Self::Ios),
            _ => Err(()),
        }
    }
}

impl Platform {
    /// All apps.
    pub const ALL: [Self; 3] = [Self::Desktop, Self::Android, Self::Ios];

    /// The name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }
}

impl FromStr for Channel {
    type Err = ();

    /// Nothing and `latest` mean the stable channel, as older clients say it.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "" | "latest" | "stable" => Ok(Self::Stable),
            "prerelease" => Ok(Self::Prerelease),
            "alpha" => Ok(Self::Alpha),
            _ => Err(()),
        }
    }
}

impl Channel {
    const ALL: [Self; 3] = [Self::Stable, Self::Prerelease, Self::Alpha];

    /// The name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Prerelease => "prerelease",
            Self::Alpha => "alpha",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(tag: &str, prerelease: bool) -> Release {
        let version = Version::from_tag(tag).unwrap();
        Release {
            version,
            prerelease,
            name: String::new(),
            notes: String::new(),
            assets: Vec::new(),
        }
    }

    fn known(releases: Vec<Release>) -> Releases {
        let mut all = Releases::default();
        all.learn(Platform::Desktop, Project { updated: 1.5, releases });
        all
    }

    #[test]
    fn the_newest_release_is_found_by_number_not_by_order_or_text() {
        let all = known(vec![
            release("v1.9.0", false),
            release("v1.10.0", false),
            release("v1.2.30", false),
        ]);
        let latest = all.latest(Platform::Desktop, Channel::Stable).unwrap();
        assert_eq!(latest.release.version.to_string(), "1.10.0");
        assert_eq!(latest.prerelease, None);
        assert_eq!(all.latest(Platform::Ios, Channel::Stable), None);
        assert_eq!(all.latest(Platform::Desktop, Channel::Alpha), None);
    }

    #[test]
    fn an_alpha_build_is_alpha_even_if_it_is_flagged_as_a_prerelease() {
        let all = known(vec![
            release("1.0.0", false),
            release("1.1.0-alpha.2", true),
            release("1.1.0-alpha.10", true),
        ]);
        let latest = all.latest(Platform::Desktop, Channel::Alpha).unwrap();
        assert_eq!(latest.release.version.to_string(), "1.1.0-alpha.10");
        assert_eq!(latest.prerelease, None);
    }

    #[test]
    fn the_prerelease_is_told_whatever_channel_was_asked_for() {
        let all = known(vec![
            release("1.0.0", false),
            release("1.1.0", true),
            release("1.2.0-alpha.1", false),
        ]);
        for channel in [Channel::Stable, Channel::Alpha] {
            let prerelease = all.latest(Platform::Desktop, channel).unwrap().prerelease.unwrap();
            assert_eq!(prerelease.version.to_string(), "1.1.0");
        }
    }

    fn told(tags: impl IntoIterator<Item = String>) -> Project {
        let releases = tags.into_iter().map(|tag| release(&tag, false)).collect();
        Project { updated: 2.5, releases }
    }

    #[test]
    fn a_stable_release_is_remembered_while_only_alphas_are_told() {
        let mut all = known(vec![release("1.0.0", false)]);
        for start in [0, 10, 20] {
            let alphas = (start..start + 10).map(|number| format!("1.1.0-alpha.{number}"));
            all.learn_more(Platform::Desktop, told(alphas));
        }
        let stable = all.latest(Platform::Desktop, Channel::Stable).unwrap();
        assert_eq!(
            (stable.release.version.to_string().as_str(), stable.updated),
            ("1.0.0", 2.5)
        );
        let alpha = all.latest(Platform::Desktop, Channel::Alpha).unwrap();
        assert_eq!(alpha.release.version.to_string(), "1.1.0-alpha.29");
        let (_, project) = all.projects().next().unwrap();
        assert_eq!(project.releases.len(), 1 + REMEMBERED);
    }

    #[test]
    fn what_is_told_again_replaces_what_was_known() {
        let mut all = known(vec![release("1.0.0", true)]);
        assert_eq!(all.latest(Platform::Desktop, Channel::Stable), None);
        all.learn_more(Platform::Desktop, told(["v1.0.0".to_owned()]));
        assert_eq!(all.latest(Platform::Desktop, Channel::Stable).unwrap().prerelease, None);
    }

    #[test]
    fn betas_are_prereleases_ordered_by_number_and_shown_without_it() {
        let mut newest = release("1.1.0-beta.10", false);
        newest.name = "Ten".to_owned();
        let all = known(vec![newest, release("1.1.0-beta.9", false), release("1.0.0", false)]);
        // As it is when it was kept on disk.
        let all: Releases = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
        let beta = all.latest(Platform::Desktop, Channel::Prerelease).unwrap().release;
        assert_eq!(
            (beta.name.as_str(), beta.version.to_string().as_str()),
            ("Ten", "1.1.0")
        );
    }

    #[test]
    fn odd_tags_are_no_versions() {
        for tag in [
            "",
            "v",
            "1.2",
            "1.2.3.4",
            "1.2.3-rc.1",
            "1.2.3-alpha",
            "1.2.1234",
            "1.2.-3",
            "+1.2.3",
            "v1.2.3 ",
        ] {
            assert_eq!(Version::from_tag(tag), None, "{tag}");
        }
        assert!(Version::from_tag("v1.2.3-beta.4").is_some());
    }

    #[test]
    fn long_notes_and_assets_without_address_are_dropped() {
        let mut long = release("1.0.0", false);
        long.notes = "ü".repeat(NOTES_LIMIT);
        long.assets = vec![
            Asset {
                name: "a".to_owned(),
                url: String::new(),
            },
            Asset {
                name: "b".to_owned(),
                url: "https://x.example/b".to_owned(),
            },
        ];
        let all = known(vec![long]);
        let kept = all.latest(Platform::Desktop, Channel::Stable).unwrap().release;
        assert!(kept.notes.len() <= NOTES_LIMIT && kept.notes.ends_with('ü'));
        assert_eq!(kept.assets.len(), 1);
    }
}
