use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use keyring_core::{api::CredentialStoreApi as _, mock};
use skillyard_store::{
    credentials::{CredentialError, Credentials as _, SystemCredentials},
    trust_store::{SealState, SealWith},
};

use crate::common::mock_credentials;

#[test]
fn what_is_written_is_read_and_forgotten() {
    let (_, credentials) = mock_credentials();
    assert_eq!(credentials.read("a").unwrap(), None);
    credentials.write("a", b"\0secret\xff").unwrap();
    assert_eq!(credentials.read("a").unwrap().unwrap().as_slice(), b"\0secret\xff");
    assert_eq!(credentials.read("b").unwrap(), None);
    credentials.remove("a").unwrap();
    credentials.remove("a").unwrap();
    assert_eq!(credentials.read("a").unwrap(), None);
}

#[test]
fn errors_do_not_carry_the_secret() {
    let (mock, credentials) = mock_credentials();
    let entry = mock.build("skillyard", "a", None).unwrap();
    let cred: &mock::Cred = entry.as_any().downcast_ref().unwrap();
    for error in
        [keyring::Error::BadEncoding(b"hush".to_vec()), keyring::Error::BadDataFormat(b"hush".to_vec(), "hush".into())]
    {
        cred.set_error(error);
        let error = credentials.read("a").unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hush") && !text.contains("104, 117"), "{text}");
    }
    cred.set_error(keyring::Error::NoStorageAccess("locked".into()));
    assert!(matches!(credentials.read("a"), Err(CredentialError::Unavailable { .. })));
}

#[test]
fn a_service_that_never_answers_is_waited_for_once() {
    let (never, wait) = mpsc::channel::<()>();
    let (entered, asked) = mpsc::channel();
    let wait = Mutex::new(wait);
    let open = move |_: &str| {
        entered.send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
        Err(keyring::Error::NoEntry)
    };
    let credentials = SystemCredentials::with(open, Duration::from_millis(20));
    assert!(matches!(credentials.read("a"), Err(CredentialError::NoAnswer { .. })));
    asked.recv().unwrap();
    for _ in 0..2 {
        assert!(matches!(credentials.read("a"), Err(CredentialError::NoAnswer { .. })));
    }
    drop((never, credentials));
    assert!(asked.recv().is_err(), "it was asked again");
}

#[test]
fn a_service_that_fails_badly_is_an_error() {
    let credentials = SystemCredentials::with(|_| panic!("a service of another program"), Duration::from_secs(10));
    assert!(matches!(credentials.write("a", b"x"), Err(CredentialError::Refused { .. })));
}

/// The system's own, whichever it is. On Linux in a session of its own, with a message bus and an unlocked keyring that
/// end with it; elsewhere in the person's session.
#[test]
#[ignore = "needs dbus-run-session and gnome-keyring-daemon on Linux; `cargo xtask test` installs them"]
fn the_systems_own_keeps_a_secret() {
    if !cfg!(target_os = "linux") {
        keep_a_secret();
        return;
    }
    for (session, done) in [("locked", "refused while locked"), ("unlocked", "kept by the system")] {
        let home = crate::common::Home::new();
        let run = Command::new("dbus-run-session")
            .arg("--")
            .arg(env::current_exe().unwrap())
            .args(["--exact", "credentials::child_in_a_session", "--nocapture"])
            .envs([("HOME", home.path("")), ("XDG_DATA_HOME", home.path("data")), (SESSION, session.into())])
            .env_remove("XDG_RUNTIME_DIR")
            .output()
            .expect("dbus-run-session");
        let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success() && text.contains(done), "{text}");
    }
}

const SESSION: &str = "SKILLYARD_STORE_TEST_SESSION";

#[test]
fn child_in_a_session() {
    match env::var(SESSION).as_deref() {
        Ok("locked") => {
            // The bus starts the keyring, which is locked, and nobody is there to type a password: no waiting for ever.
            let written = SystemCredentials::new().write("locked", b"x");
            assert!(written.is_err(), "{written:?}");
            let home = crate::common::Home::new();
            let store = home.store_with(Some(Arc::new(SystemCredentials::new())));
            assert_eq!(store.pin("acme", crate::common::key(1)).unwrap().seal, SealState::SecretFile);
            println!("refused while locked");
        }
        Ok("unlocked") => {
            let mut keyring = Command::new("gnome-keyring-daemon")
                .args(["--unlock", "--foreground", "--components=secrets"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("gnome-keyring-daemon");
            keyring.stdin.take().unwrap().write_all(b"password").unwrap();
            // It says where it can be reached when it is ready.
            let mut line = String::new();
            BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut line).unwrap();
            keep_a_secret();
            println!("kept by the system");
            keyring.kill().unwrap();
            keyring.wait().unwrap();
        }
        _ => {}
    }
}

fn keep_a_secret() {
    let credentials = SystemCredentials::new();
    let name = format!("test {}", std::process::id());
    assert_eq!(credentials.read(&name).unwrap(), None);
    credentials.write(&name, b"\0\x01\xff of a test").unwrap();
    assert_eq!(SystemCredentials::new().read(&name).unwrap().unwrap().as_slice(), b"\0\x01\xff of a test");
    credentials.remove(&name).unwrap();
    assert_eq!(credentials.read(&name).unwrap(), None);

    let home = crate::common::Home::new();
    let store = home.store_with(Some(Arc::new(SystemCredentials::new())));
    let seal = store.pin("acme", crate::common::key(1)).unwrap().seal;
    assert_eq!(seal, SealState::CredentialStore);
    let digest = store.load().unwrap().digest;
    // Another one without the store says why, and this one leaves nothing behind.
    assert!(home.store().load().is_err());
    assert_eq!(store.accept(digest, SealWith::SecretFile).unwrap(), SealState::SecretFile);
    home.store().load().unwrap();
}
