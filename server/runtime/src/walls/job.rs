//! A job object: what Windows has of limits for a process that another one started.
#![allow(
    unsafe_code,
    reason = "jobs are made by calls of the system alone, and nobody has wrapped all that is set here"
)]

use std::{
    io,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    process::Child,
};

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_JOB_MEMORY, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_UILIMIT_DESKTOP, JOB_OBJECT_UILIMIT_DISPLAYSETTINGS, JOB_OBJECT_UILIMIT_EXITWINDOWS,
    JOB_OBJECT_UILIMIT_GLOBALATOMS, JOB_OBJECT_UILIMIT_HANDLES, JOB_OBJECT_UILIMIT_READCLIPBOARD,
    JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS, JOB_OBJECT_UILIMIT_WRITECLIPBOARD, JOBOBJECT_BASIC_UI_RESTRICTIONS,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicUIRestrictions, JobObjectExtendedLimitInformation,
    SetInformationJobObject,
};

/// What the wall holds.
pub(super) const DETAIL: &str = "memory, one process, no desktop and no clipboard; ends with its parent";

/// Committed bytes of a worker: a compiler of the largest module needs most.
const MEMORY: usize = if cfg!(target_pointer_width = "64") { 6 << 30 } else { 1 << 30 };

/// A job. When the last handle to it goes, with the parent at the latest, the system ends what is in it.
#[derive(Debug)]
pub(crate) struct Job(OwnedHandle);

impl Job {
    /// A job with its limits and nobody in it.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: both pointers may be null: no name, and a handle that is not inherited.
        let handle = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above gave this handle to us alone.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle.cast()) });
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
            | JOB_OBJECT_LIMIT_ACTIVE_PROCESS
            | JOB_OBJECT_LIMIT_JOB_MEMORY
            | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
        limits.BasicLimitInformation.ActiveProcessLimit = 1;
        limits.JobMemoryLimit = MEMORY;
        let desktop = JOBOBJECT_BASIC_UI_RESTRICTIONS {
            UIRestrictionsClass: JOB_OBJECT_UILIMIT_DESKTOP
                | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS
                | JOB_OBJECT_UILIMIT_EXITWINDOWS
                | JOB_OBJECT_UILIMIT_GLOBALATOMS
                | JOB_OBJECT_UILIMIT_HANDLES
                | JOB_OBJECT_UILIMIT_READCLIPBOARD
                | JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS
                | JOB_OBJECT_UILIMIT_WRITECLIPBOARD,
        };
        job.set(JobObjectExtendedLimitInformation, &limits)?;
        job.set(JobObjectBasicUIRestrictions, &desktop)?;
        Ok(job)
    }

    fn set<T>(&self, class: i32, value: &T) -> io::Result<()> {
        let size = u32::try_from(size_of::<T>()).unwrap_or_default();
        // SAFETY: the handle is a job's, and the pointer leads to a `T`, of that size, for as long as the call lasts.
        let done = unsafe {
            SetInformationJobObject(self.0.as_raw_handle().cast(), class, std::ptr::from_ref(value).cast(), size)
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Takes `child` in, for good.
    pub(crate) fn hold(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open: the job's is ours, the process's is the child's.
        let done = unsafe { AssignProcessToJobObject(self.0.as_raw_handle().cast(), child.as_raw_handle().cast()) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
