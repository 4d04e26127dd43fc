//! The work on a body that no server can do without.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustix::time::{ClockId, clock_gettime};
use shared::crypto::hash::content_digest;
use shared::onion::Cipher;
use sodiumoxide::crypto::aead::xchacha20poly1305_ietf as xchacha20;
use tempfile::TempDir;

/// How many different files are read, by the server and here: one that is read again and again stays in the processor's
/// cache.
pub(crate) const FILES: usize = 8;

/// Processor time for which each part is repeated.
const PATIENCE: Duration = Duration::from_millis(200);

/// Processor time that each part takes once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// The cipher over the body, in place.
    pub(crate) cipher: Duration,
    /// BLAKE2b over the body; nothing for a download.
    pub(crate) hash: Duration,
    /// The body into a new file and to disk, or out of a file in the page cache.
    pub(crate) file: Duration,
    /// The body through a socket of this machine, in or out. It is measured to judge the rest by, but is no part of the
    /// floor.
    pub(crate) socket: Duration,
}

impl Floor {
    /// Does the work in this thread, in memory that has been used before.
    pub(crate) fn measure(place: &Path, cipher: Cipher, size: usize, is_upload: bool) -> Self {
        let mut body: Vec<u8> = std::iter::repeat_with(rand::random).take(size).collect();
        let folder = TempDir::new_in(place).unwrap();
        // A new file each time: taking one away is not part of the work.
        let mut paths = (0..).map(|number: u32| folder.path().join(number.to_string()));
        let hash = if is_upload {
            repeat(|| {
                std::hint::black_box(content_digest(&body));
            })
        } else {
            Duration::ZERO
        };
        let file = if is_upload {
            repeat(|| write(&paths.next().unwrap(), &body))
        } else {
            let paths: Vec<_> = paths.take(FILES).collect();
            for path in &paths {
                write(path, &body);
            }
            let mut paths = paths.iter().cycle();
            repeat(|| {
                let mut file = File::open(paths.next().unwrap()).unwrap();
                file.read_exact(&mut body).unwrap();
            })
        };
        // Sealing and opening are the same work.
        let cipher = match cipher {
            Cipher::XChaCha20 => {
                let (nonce, key) = (xchacha20::gen_nonce(), xchacha20::gen_key());
                repeat(|| {
                    let _tag = xchacha20::seal_detached(&mut body, None, &nonce, &key);
                })
            }
            Cipher::Aes256Gcm => {
                let key = UnboundKey::new(&AES_256_GCM, &rand::random::<[u8; 32]>()).unwrap();
                let key = LessSafeKey::new(key);
                repeat(|| {
                    let nonce = Nonce::assume_unique_for_key([0; 12]);
                    let _tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut body).unwrap();
                })
            }
        };
        let socket = if is_upload { receive(&mut body) } else { send(&body) };
        Self {
            cipher,
            hash,
            file,
            socket,
        }
    }

    /// Cipher, hash and file.
    pub(crate) fn sum(&self) -> Duration {
        self.cipher + self.hash + self.file
    }
}

fn write(path: &Path, body: &[u8]) {
    let mut file = File::create_new(path).unwrap();
    file.write_all(body).unwrap();
    file.sync_all().unwrap();
}

/// Reads bodies from a peer that sends without end.
fn receive(body: &mut [u8]) -> Duration {
    let (mut socket, mut peer) = pair();
    let sent = body.to_vec();
    let sender = thread::spawn(move || while peer.write_all(&sent).is_ok() {});
    let taken = repeat(|| socket.read_exact(body).unwrap());
    drop(socket);
    sender.join().unwrap();
    taken
}

/// Writes bodies to a peer that throws them away.
fn send(body: &[u8]) -> Duration {
    let (mut socket, mut peer) = pair();
    let receiver = thread::spawn(move || std::io::copy(&mut peer, &mut std::io::sink()));
    let taken = repeat(|| socket.write_all(body).unwrap());
    drop(socket);
    let _ = receiver.join().unwrap();
    taken
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, peer)
}

/// Processor time of the work, on average.
fn repeat(mut work: impl FnMut()) -> Duration {
    work();
    let start = thread_time();
    let mut count = 0;
    loop {
        work();
        count += 1;
        let taken = thread_time() - start;
        if taken > PATIENCE {
            return taken / count;
        }
    }
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}
