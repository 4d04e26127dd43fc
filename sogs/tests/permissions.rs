//! The permission rules against the tables of `community-behaviour.md` section 4, for every combination there is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use sogs::model::{Defaults, Need, Override, Permissions, Refusal, Standing, may_ban, may_purge, resolve};

/// What somebody can be, on the whole server or in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Ordinary,
    Banned,
    Moderator,
    Admin,
}

use Role::{Admin, Banned, Moderator, Ordinary};

const ROLES: [Role; 4] = [Ordinary, Banned, Moderator, Admin];

const NEEDS: [Need; 6] = [
    Need::Access,
    Need::Read,
    Need::Write,
    Need::Upload,
    Need::Moderator,
    Need::Admin,
];

/// Read, accessible, write, upload.
type Flags = [bool; 4];

/// What an ordinary person gets, by whether they may read and access, for finding the room, reading, posting and
/// uploading.
const ORDINARY: [((bool, bool), [&str; 4]); 4] = [
    ((true, true), ["yes", "yes", "write", "write and upload"]),
    ((true, false), ["yes", "yes", "write", "write and upload"]),
    ((false, true), ["yes", "403", "write", "write and upload"]),
    ((false, false), ["404", "404", "404", "404"]),
];

/// Who may ban whom from a room. The columns are what the other person is: nothing, moderator of the room, admin of the
/// room, moderator of the server, admin of the server.
const MAY_BAN: [(&str, [bool; 5]); 5] = [
    ("nobody", [false, false, false, false, false]),
    ("room moderator", [true, false, false, false, false]),
    ("room admin", [true, true, true, false, false]),
    ("global moderator", [true, false, false, false, false]),
    ("global admin", [true, true, true, false, false]),
];

/// Who may delete all posts of whom.
const MAY_PURGE: [(&str, [bool; 5]); 5] = [
    ("nobody", [false, false, false, false, false]),
    ("room moderator", [true, true, false, true, false]),
    ("room admin", [true, true, true, true, true]),
    ("global moderator", [true, true, false, true, false]),
    ("global admin", [true, true, true, true, true]),
];

fn standing(role: Role) -> Standing {
    Standing {
        banned: role == Banned,
        moderator: matches!(role, Moderator | Admin),
        admin: role == Admin,
    }
}

fn local(role: Role, visible_mod: bool, own: [Option<bool>; 4]) -> Override {
    Override {
        banned: role == Banned,
        moderator: matches!(role, Moderator | Admin),
        admin: role == Admin,
        visible_mod,
        read: own[0],
        accessible: own[1],
        write: own[2],
        upload: own[3],
    }
}

fn defaults([read, accessible, write, upload]: Flags) -> Defaults {
    Defaults {
        read,
        accessible,
        write,
        upload,
    }
}

fn all_flags() -> impl Iterator<Item = Flags> {
    (0..16u8).map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0])
}

fn all_overrides() -> impl Iterator<Item = [Option<bool>; 4]> {
    let value = |digit: u8| [None, Some(false), Some(true)][usize::from(digit % 3)];
    (0..81u8).map(move |n| [value(n), value(n / 3), value(n / 9), value(n / 27)])
}

/// The answer in the words of the table.
fn expected(global: Role, room: Role, flags: Flags, need: Need) -> &'static str {
    let [read, accessible, write, upload] = flags;
    if global == Admin || room == Admin {
        return "yes";
    }
    if global == Moderator || room == Moderator {
        return if need == Need::Admin { "403" } else { "yes" };
    }
    if !read && !accessible {
        return "404";
    }
    if global == Banned || room == Banned {
        return "403";
    }
    let column = match need {
        Need::Access => 0,
        Need::Read => 1,
        Need::Write => 2,
        Need::Upload => 3,
        Need::Moderator | Need::Admin => return "403",
    };
    let (_, row) = ORDINARY.iter().find(|(key, _)| *key == (read, accessible)).unwrap();
    match row[column] {
        "write" if write => "yes",
        "write and upload" if write && upload => "yes",
        "write" | "write and upload" => "403",
        other => other,
    }
}

fn answer(may: &Permissions, need: Need) -> &'static str {
    match may.require(need) {
        Ok(()) => "yes",
        Err(Refusal::Forbidden) => "403",
        Err(Refusal::Hidden) => "404",
    }
}

#[test]
fn every_combination_is_answered_as_in_the_table() {
    let mut combinations = 0;
    for global in ROLES {
        for room in ROLES {
            for visible in [true, false] {
                for own in all_overrides() {
                    for everybody in all_flags() {
                        let effective = std::array::from_fn(|flag| match own[flag] {
                            _ if matches!(global, Moderator | Admin) => true,
                            Some(value) => value,
                            None => everybody[flag],
                        });
                        let may = resolve(standing(global), Some(&local(room, visible, own)), defaults(everybody));
                        for need in NEEDS {
                            assert_eq!(
                                answer(&may, need),
                                expected(global, room, effective, need),
                                "{need:?} for {global:?} on the server, {room:?} in the room, {own:?} over {everybody:?}"
                            );
                            // What is no answer to a request looks at the one permission only.
                            if may.knows_of_it() {
                                assert_eq!(may.allows(need), answer(&may, need) == "yes");
                            }
                        }
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 4 * 4 * 2 * 81 * 16);
}

#[test]
fn somebody_anonymous_gets_what_the_room_grants_to_everybody() {
    for everybody in all_flags() {
        let may = resolve(Standing::default(), None, defaults(everybody));
        for need in NEEDS {
            assert_eq!(
                answer(&may, need),
                expected(Ordinary, Ordinary, everybody, need),
                "{need:?} in {everybody:?}"
            );
        }
    }
}

#[test]
fn what_somebody_is_adds_up_and_stays_apart() {
    for global in ROLES {
        for room in ROLES {
            let own = local(room, true, [None; 4]);
            let may = resolve(standing(global), Some(&own), Defaults::default());
            let either = |roles: &[Role]| roles.contains(&global) || roles.contains(&room);
            assert_eq!(may.banned, either(&[Banned]));
            assert_eq!(may.moderator, either(&[Moderator, Admin]));
            assert_eq!(may.admin, either(&[Admin]));
            assert_eq!(may.global_moderator, matches!(global, Moderator | Admin));
            assert_eq!(may.global_admin, global == Admin);
        }
    }
}

/// The rows, or columns, of the tables that somebody is in. Roles are additive.
fn places(global: Role, room: Role) -> Vec<usize> {
    let mut places = vec![0];
    match room {
        Moderator => places.push(1),
        Admin => places.push(2),
        Ordinary | Banned => {}
    }
    match global {
        Moderator => places.push(3),
        Admin => places.push(4),
        Ordinary | Banned => {}
    }
    places
}

/// Any of what the actor is may be what allows it; all that the other person is must allow it.
fn in_table(table: &[(&str, [bool; 5]); 5], actor: &[usize], target: &[usize]) -> bool {
    actor
        .iter()
        .any(|row| target.iter().all(|column| table[*row].1[*column]))
}

#[test]
fn bans_and_bulk_deletion_need_the_roles_of_the_table() {
    let mut pairs = 0;
    for (global, room) in ROLES.iter().flat_map(|global| ROLES.map(|room| (*global, room))) {
        for (their_global, theirs) in ROLES.iter().flat_map(|global| ROLES.map(|room| (*global, room))) {
            for everybody in [[true; 4], [false; 4]] {
                let may = |global, room| {
                    resolve(
                        standing(global),
                        Some(&local(room, true, [None; 4])),
                        defaults(everybody),
                    )
                };
                let (actor, target) = (may(global, room), may(their_global, theirs));
                let (row, column) = (places(global, room), places(their_global, theirs));
                let who = format!("{global:?}, {room:?} against {their_global:?}, {theirs:?}");
                assert_eq!(
                    may_ban(&actor, &target),
                    in_table(&MAY_BAN, &row, &column),
                    "ban: {who}"
                );
                assert_eq!(
                    may_purge(&actor, &target),
                    in_table(&MAY_PURGE, &row, &column),
                    "purge: {who}"
                );
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 16 * 16 * 2);
}
