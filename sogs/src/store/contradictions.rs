//! Rows that contradict each other, as only damage, a mistake in the program or somebody else's SQL makes them.

use std::time::Duration;

use shared::checkup::{Fault, Finding};
use shared::clock::Timestamp;
use shared::db::DbError;
use shared::run;

use super::{Store, Write};
use crate::model::RoomNo;

/// One way for rows to contradict each other.
struct Rule {
    problem: &'static str,
    /// Finds, in words, what it is about, with the room (0 for none) and the number of the row.
    find: &'static str,
    /// What puts it right. Each states the condition again, for the server goes on meanwhile.
    mend: &'static [Step],
}

enum Step {
    /// A statement about the row `$1`.
    Row(&'static str),
    /// One that gives the row `$1` the next sequence number of the room, `$2`.
    Renumber(&'static str),
    /// The room has changed, which apps are to notice.
    RoomChanged,
}

const RULES: [Rule; 9] = [
    Rule {
        problem: "its latest sequence number is below that of a message",
        find: "SELECT 'room ' || rooms.token, rooms.id, rooms.id
            FROM rooms
            WHERE message_sequence < (SELECT MAX(seqno) FROM messages WHERE room = rooms.id)
            ORDER BY rooms.id",
        mend: &[
            Step::Row(
                "UPDATE rooms
                SET message_sequence = (SELECT MAX(seqno) FROM messages WHERE room = rooms.id)
                WHERE id = $1 AND message_sequence < (SELECT MAX(seqno) FROM messages WHERE room = rooms.id)",
            ),
            Step::RoomChanged,
        ],
    },
    Rule {
        problem: "its sequence number is not that of its latest change",
        find: "SELECT 'message ' || CAST(id AS TEXT), room, id
            FROM messages
            WHERE seqno <> CASE WHEN seqno_data > seqno_reactions THEN seqno_data ELSE seqno_reactions END
            ORDER BY id",
        mend: &[Step::Renumber(
            "UPDATE messages
            SET seqno = $2, seqno_data = $2
            WHERE id = $1
                AND seqno <> CASE WHEN seqno_data > seqno_reactions THEN seqno_data ELSE seqno_reactions END",
        )],
    },
    Rule {
        problem: "a direct message has a higher number than the latest",
        find: "SELECT 'server', CAST(0 AS BIGINT), CAST(1 AS BIGINT)
            FROM server
            WHERE direct_message_sequence < (SELECT MAX(id) FROM direct_messages)",
        mend: &[Step::Row(
            "UPDATE server
            SET direct_message_sequence = (SELECT MAX(id) FROM direct_messages)
            WHERE one = $1 AND direct_message_sequence < (SELECT MAX(id) FROM direct_messages)",
        )],
    },
    Rule {
        problem: "its image is no file of the room",
        find: "SELECT 'room ' || rooms.token, rooms.id, rooms.id
            FROM rooms
            WHERE image IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM files WHERE files.id = rooms.image AND files.room = rooms.id)
            ORDER BY rooms.id",
        mend: &[
            Step::Row(
                "UPDATE rooms
                SET image = NULL
                WHERE id = $1
                    AND NOT EXISTS (SELECT 1 FROM files WHERE files.id = rooms.image AND files.room = rooms.id)",
            ),
            Step::RoomChanged,
        ],
    },
    Rule {
        problem: "a message is pinned that is deleted or in another room",
        find: "SELECT 'message ' || CAST(pins.message AS TEXT), pins.room, pins.message
            FROM pins
            WHERE NOT EXISTS (
                SELECT 1 FROM messages
                WHERE messages.id = pins.message AND messages.room = pins.room AND messages.data IS NOT NULL
            )
            ORDER BY pins.message",
        mend: &[
            Step::Row(
                "DELETE FROM pins
                WHERE message = $1
                    AND NOT EXISTS (
                        SELECT 1 FROM messages
                        WHERE messages.id = pins.message AND messages.room = pins.room AND messages.data IS NOT NULL
                    )",
            ),
            Step::RoomChanged,
        ],
    },
    Rule {
        problem: "it has a reaction that is nobody's",
        find: "SELECT 'message ' || CAST(messages.id AS TEXT), messages.room, reactions.id
            FROM reactions JOIN messages ON messages.id = reactions.message
            WHERE NOT EXISTS (SELECT 1 FROM reactors WHERE reactors.reaction = reactions.id)
            ORDER BY reactions.id",
        mend: &[
            Step::Renumber(
                "UPDATE messages
                SET seqno = $2, seqno_reactions = $2
                WHERE id = (SELECT message FROM reactions WHERE id = $1)",
            ),
            Step::Row(
                "DELETE FROM reactions
                WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM reactors WHERE reactors.reaction = reactions.id)",
            ),
        ],
    },
    Rule {
        problem: "it is for somebody or for a room that is gone",
        find: "SELECT 'scheduled permission ' || CAST(id AS TEXT), CAST(0 AS BIGINT), id
            FROM scheduled_permissions AS planned
            WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = planned.person)
                OR NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.id = planned.room)
            ORDER BY id",
        mend: &[Step::Row("DELETE FROM scheduled_permissions WHERE id = $1")],
    },
    Rule {
        problem: "it is for somebody or for a room that is gone",
        find: "SELECT 'scheduled ban ' || CAST(id AS TEXT), CAST(0 AS BIGINT), id
            FROM scheduled_bans AS planned
            WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = planned.person)
                OR planned.room IS NOT NULL AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.id = planned.room)
            ORDER BY id",
        mend: &[Step::Row("DELETE FROM scheduled_bans WHERE id = $1")],
    },
    Rule {
        problem: "its bytes are about to be deleted",
        find: "SELECT 'file ' || CAST(files.id AS TEXT), CAST(0 AS BIGINT), files.id
            FROM files JOIN doomed ON doomed.blob = files.blob
            ORDER BY files.id",
        mend: &[Step::Row(
            "DELETE FROM doomed WHERE blob = (SELECT blob FROM files WHERE id = $1)",
        )],
    },
];

const ROOM_CHANGED: &str = "UPDATE rooms SET info_updates = info_updates + 1 WHERE id = $1";

const OVERCOUNTED: &str = "SELECT token, id
    FROM rooms
    WHERE active_users < 0 OR active_users > (SELECT COUNT(*) FROM room_activity WHERE room = rooms.id)
    ORDER BY id";

impl Store {
    /// Looks for rows that contradict each other, and mends them if asked to.
    ///
    /// # Errors
    ///
    /// When the database fails; what was mended by then stays so.
    pub async fn contradictions(&self, repair: bool, now: Timestamp) -> Result<Vec<Finding>, DbError> {
        let mut findings = Vec::new();
        for rule in &RULES {
            let mut tx = self.db.read().await?;
            let found = run!(tx, fetch_all, query_as::<_, (String, i64, i64)>, rule.find)?;
            drop(tx);
            for (about, room, row) in found {
                let mut finding = contradiction(about, rule.problem);
                if repair {
                    let mut write = self.write(now).await?;
                    write.mend(rule, RoomNo(room), row).await?;
                    write.commit().await?;
                    finding.repaired = true;
                }
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    /// Looks for rooms in which more people are counted as active than were ever seen, and counts anew if asked to.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn miscounted_rooms(
        &self,
        repair: bool,
        now: Timestamp,
        active: Duration,
    ) -> Result<Vec<Finding>, DbError> {
        let mut tx = self.db.read().await?;
        let found = run!(tx, fetch_all, query_as::<_, (String, i64)>, OVERCOUNTED)?;
        drop(tx);
        if repair && !found.is_empty() {
            self.recount_active_users(now, active).await?;
        }
        let findings = found.into_iter().map(|(token, _)| Finding {
            repaired: repair,
            ..contradiction(
                format!("room {token}"),
                "more people are counted as active than were seen",
            )
        });
        Ok(findings.collect())
    }
}

fn contradiction(about: String, problem: &str) -> Finding {
    Finding::new(Fault::Contradiction {
        about,
        problem: problem.to_owned(),
    })
}

impl Write {
    async fn mend(&mut self, rule: &Rule, room: RoomNo, row: i64) -> Result<(), DbError> {
        for step in rule.mend {
            match step {
                Step::Row(statement) => drop(run!(self.tx, execute, query, *statement, row)?),
                Step::Renumber(statement) => {
                    if let Some(seqno) = self.next_seqno(room).await? {
                        run!(self.tx, execute, query, *statement, row, seqno)?;
                    }
                }
                Step::RoomChanged => {
                    run!(self.tx, execute, query, ROOM_CHANGED, room.0)?;
                    self.directory_changes();
                }
            }
        }
        Ok(())
    }
}
