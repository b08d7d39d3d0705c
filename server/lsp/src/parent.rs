//! The end of the client's process, after which no server is needed. An editor that crashes says nothing and may leave
//! its end of a pipe open in a child of its own, so that the end of the input alone is not enough.

use std::{io, thread};

/// Calls `gone` once the process `pid` has ended, from a thread of its own. A process that is not there has ended.
///
/// # Errors
/// If the system gives no thread.
pub(crate) fn watch(pid: u32, gone: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let wait = move || {
        if system::wait(pid) {
            gone();
        }
    };
    thread::Builder::new().name("skillyard-parent".to_owned()).spawn(wait).map(drop)
}

#[cfg(unix)]
mod system {
    use std::{thread, time::Duration};

    use rustix::{
        io::Errno,
        process::{Pid, getppid, test_kill_process},
    };

    /// How often to look where the system does not tell.
    const INTERVAL: Duration = Duration::from_secs(2);

    /// Waits for the end of the process; `false` if it cannot be watched.
    pub(super) fn wait(pid: u32) -> bool {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        match told_by_the_kernel(pid) {
            Err(Errno::SRCH) => return true,
            Ok(()) => return true,
            // An old kernel or a sandbox that does not have it.
            Err(_) => {}
        }
        // A parent that ends hands its children on, which shows also where its number is used again.
        let is_parent = getppid() == Some(pid);
        while !(is_parent && getppid() != Some(pid)) && test_kill_process(pid) != Err(Errno::SRCH) {
            thread::sleep(INTERVAL);
        }
        true
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn told_by_the_kernel(pid: Pid) -> rustix::io::Result<()> {
        use rustix::{
            event::{PollFd, PollFlags, poll},
            process::{PidfdFlags, pidfd_open},
        };
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        loop {
            match poll(&mut [PollFd::new(&process, PollFlags::IN)], None) {
                Err(Errno::INTR) => {}
                result => return result.map(drop),
            }
        }
    }
}

#[cfg(windows)]
mod system {
    use windows_sys::Win32::{
        Foundation::{CloseHandle, ERROR_ACCESS_DENIED, GetLastError, WAIT_OBJECT_0},
        System::Threading::{INFINITE, OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject},
    };

    /// Waits for the end of the process; `false` if it cannot be watched.
    #[expect(unsafe_code, reason = "the standard library cannot wait for a process that it did not start")]
    pub(super) fn wait(pid: u32) -> bool {
        // SAFETY: the calls take numbers and a handle that is checked, used by this thread only and closed once.
        unsafe {
            let process = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
            if process.is_null() {
                return GetLastError() != ERROR_ACCESS_DENIED;
            }
            let ended = WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0;
            CloseHandle(process);
            ended
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        process::{Command, Stdio},
        sync::mpsc,
        time::Duration,
    };

    use super::*;

    #[test]
    fn tells_the_end_of_a_process() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (sender, gone) = mpsc::channel();
        watch(child.id(), move || sender.send(()).unwrap()).unwrap();
        assert_eq!(gone.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(child.stdin.take());
        gone.recv_timeout(Duration::from_secs(30)).unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_has_ended() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let (sender, gone) = mpsc::channel();
        watch(child.id(), move || sender.send(()).unwrap()).unwrap();
        gone.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}
