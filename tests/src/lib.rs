//! Starts the real binaries and speaks to them as a client would.
