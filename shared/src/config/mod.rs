//! Configuration: one TOML file, every key also an environment variable, the common ones also flags.
//!
//! A flag wins over the environment, the environment over the file, the file over the default. The keys, their types
//! and their descriptions come from the settings' own type, so what is documented is what is read.

mod bounds;
mod common;
mod keys;
mod layers;
mod reference;
mod show;
mod values;

pub use bounds::{BadSettings, within};
pub use common::{CommonFlags, CommonSettings, HttpSettings, LogFormat, MISS_WINDOW, installed_config};
pub use keys::{Key, keys};
pub use layers::{ConfigError, Loaded, Origin, load};
pub use reference::{reference, schema};
pub use show::{Shown, strange_variables};
pub use values::{Secret, Size, Span};
