//! What somebody may in a room, and why. The rules are asked themselves, so that what is told is what holds.

use serde_json::{Map, Value, json};

use crate::model::{Decision, Need, Permissions, Rule};

/// What is asked for, and what it is called.
const NEEDS: [(&str, Need); 4] = [
    ("read", Need::Read),
    ("write", Need::Write),
    ("upload", Need::Upload),
    ("accessible", Need::Access),
];

/// What somebody may as letters, with a dash for what they may not: `rw-a`.
pub(super) fn letters(may: &Permissions) -> String {
    let letters = NEEDS.iter().zip("rwua".chars());
    letters
        .map(|((_, need), letter)| if may.allows(*need) { letter } else { '-' })
        .collect()
}

/// Why, as short as it can be said.
pub(super) fn why(may: &Permissions) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, need) in NEEDS {
        let reason = reason(may.decide(need));
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => groups.push((reason, vec![name])),
        }
    }
    if let [(reason, _)] = groups.as_slice() {
        return reason.clone();
    }
    let parts = groups
        .iter()
        .map(|(reason, names)| format!("{}: {reason}", names.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

/// The rule that decides, in words.
fn reason(decision: Decision) -> String {
    let Decision { allowed, rule } = decision;
    match (rule, allowed) {
        (Rule::GlobalAdmin, _) => "admin of the whole server".to_owned(),
        (Rule::GlobalModerator, _) => "moderator of the whole server".to_owned(),
        (Rule::RoomAdmin, _) => "admin of the room".to_owned(),
        (Rule::RoomModerator, _) => "moderator of the room".to_owned(),
        (Rule::NoRole, _) => "has no role".to_owned(),
        (Rule::GlobalBan, _) => "banned from the whole server".to_owned(),
        (Rule::RoomBan, _) => "banned from the room".to_owned(),
        (Rule::Own(flag), true) => format!("{} is permitted to them", flag.name()),
        (Rule::Own(flag), false) => format!("{} is forbidden to them", flag.name()),
        (Rule::Default(_), true) => "as everybody".to_owned(),
        (Rule::Default(flag), false) => format!("{} is not for everybody", flag.name()),
    }
}

/// What programs are told.
pub(super) fn object(may: &Permissions) -> Value {
    let needs = NEEDS.iter().map(|(name, need)| {
        let decision = may.decide(*need);
        let flag = match decision.rule {
            Rule::Own(flag) | Rule::Default(flag) => Some(flag.name()),
            _ => None,
        };
        let value = json!({ "allowed": decision.allowed, "because": decision.rule.name(), "permission": flag });
        ((*name).to_owned(), value)
    });
    Value::Object(needs.collect::<Map<_, _>>())
}
