//! Who asks, and what they may where.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use shared::clock::Timestamp;
use shared::crypto::sogs_auth::{AuthError, Headers, SignedRequest, Verified};
use shared::crypto::{UserId, sogs_auth};
use shared::http::{Head, Request, Response, dispatch};

use crate::api::ApiError;
use crate::app::Community;
use crate::auth_token;
use crate::heavy::with_body;
use crate::model::{Actor, Member, Need, Permissions, Refusal, Room, User, resolve};
use crate::store::{Committed, Write};

/// Who asks. All elements of a batch have the same caller, that of the batch.
#[derive(Clone, Debug, Default)]
pub struct Caller(Option<Arc<Signed>>);

#[derive(Debug)]
struct Signed {
    verified: Verified,
    /// Whether the nonce is in the database, so that the request has changed something already.
    recorded: AtomicBool,
    /// Whether something was about to be changed, be it that it failed.
    tried: AtomicBool,
    /// Whether the nonce turned out to have been used by an earlier request.
    replayed: AtomicBool,
}

impl Signed {
    fn new(verified: Verified) -> Self {
        Self {
            verified,
            recorded: AtomicBool::new(false),
            tried: AtomicBool::new(false),
            replayed: AtomicBool::new(false),
        }
    }
}

impl Caller {
    /// Whom a request comes from.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        head.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// The id that the request was signed with.
    #[must_use]
    pub fn id(&self) -> Option<&UserId> {
        self.0.as_ref().map(|signed| &signed.verified.id)
    }

    /// Whether it has turned out that the same request came before, to another process or before a restart. It shows with
    /// the first change that it asks for.
    pub(crate) fn is_replay(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|signed| signed.replayed.load(Ordering::Acquire))
    }
}

/// A nonce that is in use. Unless it is spent it is given back, and so too when the request is given up half-way: the
/// client gets a 5xx then and may send the same again. What has been changed by then is known from the database.
struct Taken {
    app: Arc<Community>,
    signed: Arc<Signed>,
    spent: bool,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.spent && !self.signed.recorded.load(Ordering::Acquire) {
            self.app.nonces.give_back(&self.signed.verified);
        }
    }
}

/// Finds out who asks, then answers. Whoever is refused learns nothing about routes.
pub(crate) async fn enter(app: Arc<Community>, request: Request) -> Response {
    let now = app.clock.now();
    let (mut request, verified) = match with_body(&app, request, move |app, request| verify(app, request, now)).await {
        Ok(done) => done,
        Err(error) => return error.into(),
    };
    let taken = match authenticate(&app, &request.head, verified, now).await {
        Ok(taken) => taken,
        Err(error) => return error.into(),
    };
    let caller = Caller(taken.as_ref().map(|taken| Arc::clone(&taken.signed)));
    request.head.extensions.insert(caller);
    let response = dispatch(&app, request).await;
    let Some(mut taken) = taken else {
        return response;
    };
    if response.status.is_server_error() {
        return response;
    }
    taken.spent = true;
    // The client may get a 5xx yet, if the answer does not make it out of here.
    response.or_else(move || {
        taken.spent = false;
        drop(taken);
    })
}

/// `identity-and-crypto.md` 4.1, in its order: nothing is stored before the signature has been verified.
async fn authenticate(
    app: &Arc<Community>,
    head: &Head,
    verified: Result<Option<Verified>, AuthError>,
    now: Timestamp,
) -> Result<Option<Taken>, ApiError> {
    let Some(verified) = verified? else {
        return match auth_token::bearer(app, head)? {
            None => Ok(None),
            Some(id) => by_token(app, id).await.map(Some),
        };
    };
    if !app.nonces.take(&verified) {
        return Err(AuthError::NonceReused.into());
    }
    let mut taken = Taken {
        app: Arc::clone(app),
        signed: Arc::new(Signed::new(verified)),
        spent: false,
    };
    let member = admit(app, &taken.signed.verified.id).await?;
    if member.user.standing.banned {
        taken.spent = true;
        return Err(AuthError::Banned.into());
    }
    app.activity.saw(member.user.no, now);
    Ok(Some(taken))
}

/// Who signed the request, if anybody did.
fn verify(app: &Community, request: &Request, now: Timestamp) -> Result<Option<Verified>, AuthError> {
    let head = &request.head;
    let signed = SignedRequest {
        method: head.method.as_str(),
        path: &head.path,
        query: head.query.as_deref(),
        body: &request.body,
    };
    let headers = Headers::pick(|name| head.credential(name));
    let blinding = app.settings.users.require_blind_keys;
    app.verifier.verify(headers, &signed, now, blinding)
}

/// Somebody with a token, which has no nonce, so that there is none to record or to give back.
async fn by_token(app: &Arc<Community>, id: UserId) -> Result<Taken, ApiError> {
    let timestamp = app.clock.now();
    let member = admit(app, &id).await?;
    if member.user.standing.banned {
        return Err(AuthError::Banned.into());
    }
    app.activity.saw(member.user.no, timestamp);
    let nonce = [0; 16];
    let signed = Signed::new(Verified { id, nonce, timestamp });
    signed.recorded.store(true, Ordering::Release);
    Ok(Taken {
        app: Arc::clone(app),
        signed: Arc::new(signed),
        spent: true,
    })
}

/// The person of this id; somebody who has not been here before gets a row.
pub(crate) async fn admit(app: &Community, id: &UserId) -> Result<Arc<Member>, ApiError> {
    if let Some(member) = app.directory.member(id).await? {
        return Ok(member);
    }
    let mut write = app.store.write_with_others(app.clock.now()).await?;
    write.appear(id).await?;
    app.directory.apply(&write.commit().await?);
    app.directory.member(id).await?.ok_or(ApiError::Vanished)
}

/// A room that the caller knows of, with what they are and may there.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The room.
    pub room: Arc<Room>,
    /// The caller; `None` if they did not sign.
    pub member: Option<Arc<Member>>,
    /// What they are and may.
    pub may: Permissions,
}

impl Visit {
    /// The caller.
    ///
    /// # Errors
    ///
    /// 401 if they did not sign.
    pub fn user(&self) -> Result<&Arc<Member>, ApiError> {
        self.member.as_ref().ok_or(ApiError::Auth(AuthError::Required))
    }

    /// The caller, who must be allowed something.
    ///
    /// # Errors
    ///
    /// 401 if they did not sign, 403 if they may not.
    pub fn user_who_may(&self, need: Need) -> Result<&Arc<Member>, ApiError> {
        let user = self.user()?;
        self.require(need)?;
        Ok(user)
    }

    /// Demands a permission that somebody who did not sign can have too.
    ///
    /// # Errors
    ///
    /// 403, or 404 if the room is hidden from them.
    pub fn require(&self, need: Need) -> Result<(), ApiError> {
        self.may.require(need).map_err(|refusal| match refusal {
            Refusal::Hidden => ApiError::NotFound("room"),
            Refusal::Forbidden => ApiError::Forbidden(match need {
                Need::Read => "This endpoint requires room message 'read' permission",
                Need::Moderator => "This endpoint requires moderator room permissions",
                Need::Admin => "This endpoint requires admin room permissions",
                Need::Access | Need::Write | Need::Upload => "Permission denied",
            }),
        })
    }
}

impl Community {
    /// The caller, unless they did not sign.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn member(&self, head: &Head) -> Result<Option<Arc<Member>>, ApiError> {
        match Caller::of(head).id() {
            None => Ok(None),
            Some(id) => Ok(Some(self.directory.member(id).await?.ok_or(ApiError::Vanished)?)),
        }
    }

    /// The caller, who must have signed.
    ///
    /// # Errors
    ///
    /// 401 if they did not, and when the database fails.
    pub async fn user(&self, head: &Head) -> Result<Arc<Member>, ApiError> {
        self.member(head).await?.ok_or(ApiError::Auth(AuthError::Required))
    }

    /// The caller, who must have signed with a blinded id.
    ///
    /// # Errors
    ///
    /// 401 if they did not, and when the database fails.
    pub async fn blind_user(&self, head: &Head) -> Result<Arc<Member>, ApiError> {
        let user = self.user(head).await?;
        if matches!(user.id, UserId::Blinded(_)) {
            Ok(user)
        } else {
            Err(ApiError::Refused(
                StatusCode::UNAUTHORIZED,
                "This endpoint requires blinded pubkeys be used",
            ))
        }
    }

    /// What somebody else is and may in a room.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn permissions_of(&self, user: &User, room: &Room) -> Result<Permissions, ApiError> {
        let member = match user.session_id.parse() {
            Ok(id) => self.directory.member(&id).await?,
            Err(_) => None,
        };
        Ok(member.map_or_else(
            || resolve(user.standing, None, room.defaults),
            |member| member.permissions(room),
        ))
    }

    /// The room that the path names by `{token}`. Somebody banned from it knows of it all the same.
    ///
    /// # Errors
    ///
    /// 404 if there is none or it is hidden from the caller, and when the database fails.
    pub async fn visit(&self, head: &Head) -> Result<Visit, ApiError> {
        self.visit_token(head, head.params.value("token")).await
    }

    /// The room of this token; see [`Community::visit`].
    ///
    /// # Errors
    ///
    /// As for [`Community::visit`].
    pub async fn visit_token(&self, head: &Head, token: &str) -> Result<Visit, ApiError> {
        self.visit_as(self.member(head).await?, token).await
    }

    /// The room of this token, for this person; see [`Community::visit`].
    ///
    /// # Errors
    ///
    /// As for [`Community::visit`].
    pub async fn visit_as(&self, member: Option<Arc<Member>>, token: &str) -> Result<Visit, ApiError> {
        let rooms = self.directory.rooms().await?;
        let room = rooms.find(token).ok_or(ApiError::NotFound("room"))?;
        let may = room.permissions(member.as_deref());
        if !may.knows_of_it() {
            return Err(ApiError::NotFound("room"));
        }
        Ok(Visit {
            room: Arc::clone(room),
            member,
            may,
        })
    }

    /// Begins a change on behalf of the caller. The nonce of the request becomes part of it, so that the change is made
    /// once at most. To be ended with [`Community::commit`].
    ///
    /// # Errors
    ///
    /// 425 if the nonce was used for a change already, and when the database fails.
    pub async fn write(&self, head: &Head) -> Result<Write, ApiError> {
        let write = self.store.write_with_others(self.clock.now()).await?;
        self.attribute(head, write).await
    }

    /// The same for a change of very many rows, for which no other is to wait.
    ///
    /// # Errors
    ///
    /// As for [`Community::write`].
    pub async fn write_much(&self, head: &Head) -> Result<Write, ApiError> {
        let write = self.store.write(self.clock.now()).await?;
        self.attribute(head, write).await
    }

    async fn attribute(&self, head: &Head, mut write: Write) -> Result<Write, ApiError> {
        if let Some(id) = Caller::of(head).id() {
            write.set_actor(Actor::Person(*id));
        }
        if let Some(signed) = &Caller::of(head).0
            && !signed.recorded.load(Ordering::Acquire)
        {
            let Verified { id, nonce, .. } = signed.verified;
            let expiry = signed.verified.nonce_expires();
            if !write.burn(identity(&id), nonce, expiry).await? {
                // An earlier element of the same batch may have used it, in a commit that seemed to fail.
                if !signed.tried.load(Ordering::Acquire) {
                    signed.replayed.store(true, Ordering::Release);
                }
                return Err(AuthError::NonceReused.into());
            }
        }
        Ok(write)
    }

    /// Makes a change last, and known to whoever asks next.
    ///
    /// # Errors
    ///
    /// When the database fails; it is not known then whether the change was made.
    pub async fn commit(&self, head: &Head, write: Write) -> Result<Committed, ApiError> {
        let caller = Caller::of(head);
        if let Some(signed) = &caller.0 {
            signed.tried.store(true, Ordering::Release);
        }
        let committed = write.commit().await?;
        if let Some(signed) = &caller.0 {
            signed.recorded.store(true, Ordering::Release);
        }
        self.take_note(&committed);
        Ok(committed)
    }

    /// Takes note of a change that was committed, before anybody is told of it.
    pub fn take_note(&self, committed: &Committed) {
        self.directory.apply(committed);
        for (room, user) in &committed.inactive {
            self.activity.forget(*room, *user);
        }
    }
}

pub(crate) fn identity(id: &UserId) -> [u8; 33] {
    match id {
        UserId::Session(id) => id.to_bytes(),
        UserId::Blinded(id) => id.to_bytes(),
    }
}

impl From<sogs_auth::AuthError> for ApiError {
    fn from(error: sogs_auth::AuthError) -> Self {
        Self::Auth(error)
    }
}
