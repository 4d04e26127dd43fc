//! What happens between the blocks of each page, by the kind of its reader.

mod community;
mod installing;
mod keeping;
mod moving;

pub(crate) use community::{community_commands, filters, remote_moderation, web_pages};
pub(crate) use installing::{installing, operating_fileserver, operator_guide, readme, troubleshooting};
pub(crate) use keeping::{backup, many_machines};
pub(crate) use moving::moving_from_pysogs;

use crate::people::Person;
use crate::tour::Tour;

/// The Session ID of somebody who never comes.
const STRANGER: &str = "05bca99177c1c29e48e35dfceb0e9c1be8be9057e2e644c291db4f7f841d206658";

/// Somebody who comes to a room as soon as the server knows it.
fn visitor(tour: &Tour, room: &str) -> Person {
    let person = Person::at(&tour.sandbox);
    person.visits(room);
    person
}
