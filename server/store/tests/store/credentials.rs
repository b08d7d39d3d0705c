use std::{sync::Arc, time::Duration};

use keyring_core::{api::CredentialStoreApi as _, mock};
use skillyard_store::credentials::{CredentialError, Credentials as _, SystemCredentials};

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
    let (never, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let open = move |_: &str| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = wait.lock().unwrap().recv();
        Err(keyring::Error::NoEntry)
    };
    let credentials = SystemCredentials::with(open, Duration::from_millis(20));
    for _ in 0..3 {
        assert!(matches!(credentials.read("a"), Err(CredentialError::NoAnswer { .. })));
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    drop(never);
}

#[test]
fn a_service_that_fails_badly_is_an_error() {
    let credentials = SystemCredentials::with(|_| panic!("a service of another program"), Duration::from_secs(10));
    assert!(matches!(credentials.write("a", b"x"), Err(CredentialError::Refused { .. })));
}

/// The system's own, whichever it is: `cargo xtask test` runs this inside a session that has one.
#[test]
#[ignore = "needs a session with an unlocked credential store; see server/store/tests/store/credentials.rs"]
fn the_systems_own_keeps_a_secret() {
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
    assert_eq!(seal, skillyard_store::trust_store::SealState::CredentialStore);
    store.load().unwrap();
    let digest = store.load().unwrap().digest;
    // Leaves nothing behind.
    store.accept(digest, skillyard_store::trust_store::SealWith::SecretFile).unwrap();
}
