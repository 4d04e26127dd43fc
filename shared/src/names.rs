//! How a static program finds the addresses that names stand for.
#![cfg_attr(
    all(target_env = "gnu", target_feature = "crt-static"),
    expect(
        unsafe_code,
        reason = "the C library's choice of name services is a C function; the calls below are argued for"
    )
)]

/// Makes a static program look names up in `/etc/hosts` and by DNS, whatever `/etc/nsswitch.conf` says; to be called
/// once, before other threads are started. In other programs it does nothing.
///
/// That file may name modules, libraries that belong to the C library of the machine. A static program has another C
/// library inside, into which they must not be loaded; files and DNS are built in.
pub fn look_up_without_modules() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    for (database, services) in [
        (c"hosts", c"files dns"),
        (c"passwd", c"files"),
        (c"group", c"files"),
        (c"services", c"files"),
    ] {
        // SAFETY: both are C strings that live for ever. glibc takes its own lock and only stores the parsed list; the
        // declaration is that of <nss.h>. A failure leaves the file in force, and is nothing that could be mended here.
        unsafe {
            glibc::__nss_configure_lookup(database.as_ptr(), services.as_ptr());
        }
    }
}

#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
mod glibc {
    unsafe extern "C" {
        pub(super) fn __nss_configure_lookup(
            database: *const libc::c_char,
            services: *const libc::c_char,
        ) -> libc::c_int;
    }
}
