//! The system calls that a worker has.
//!
//! Three filters, of which the kernel takes the strictest verdict:
//!
//! - a list of what the engine, the C library and, with folders, file access need. Anything else fails with `EPERM`: it
//!   may be a library that tries what it can do without;
//! - `clone3` does not exist (`ENOSYS`): its flags are behind a pointer, where a filter cannot see them. A C library
//!   then makes its threads with `clone`, whose flags are seen: threads only, no process;
//! - what nothing in a worker ever tries, and everything that breaks out does, ends the process: running a program,
//!   looking into another process, asking the kernel for more.

use std::{collections::BTreeMap, io};

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::{Plan, Wall, WallError, WallName};

#[cfg(target_arch = "x86_64")]
const ARCH: Option<TargetArch> = Some(TargetArch::x86_64);
#[cfg(target_arch = "aarch64")]
const ARCH: Option<TargetArch> = Some(TargetArch::aarch64);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: Option<TargetArch> = None;

/// Memory, threads, time, signals, pipes.
const ALWAYS: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    // Answered by the filter below.
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Of the older calls that only this processor has.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[libc::c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[libc::c_long] = &[];

/// With folders. Landlock says which.
const FILES: &[libc::c_long] = &[
    libc::SYS_copy_file_range,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fdatasync,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_getdents64,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_readlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_statx,
    libc::SYS_symlinkat,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
];

/// The older names of the same.
#[cfg(target_arch = "x86_64")]
const FILES_HERE: &[libc::c_long] = &[
    libc::SYS_access,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_open,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_stat,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const FILES_HERE: &[libc::c_long] = &[];

/// The end.
const DEADLY: &[libc::c_long] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_finit_module,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

#[cfg(target_arch = "x86_64")]
const DEADLY_HERE: &[libc::c_long] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const DEADLY_HERE: &[libc::c_long] = &[];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

fn listed(lists: &[&[libc::c_long]]) -> Rules {
    lists.iter().copied().flatten().map(|&call| (call, Vec::new())).collect()
}

/// A rule for when the argument at `index` (of 32 bits, or `wide`) is so.
fn when(index: u8, wide: bool, is: SeccompCmpOp, value: u64) -> Built<SeccompCondition> {
    let length = if wide { SeccompCmpArgLen::Qword } else { SeccompCmpArgLen::Dword };
    SeccompCondition::new(index, length, is, value)
}

/// One rule for each of `values` that the argument at `index` may have.
fn one_of(index: u8, values: &[libc::c_int]) -> Built<Vec<SeccompRule>> {
    let each = values.iter().map(|&value| {
        let value = u64::from(value.cast_unsigned());
        SeccompRule::new(vec![when(index, false, SeccompCmpOp::Eq, value)?])
    });
    each.collect()
}

/// The list, with the calls of which only some arguments are allowed.
fn allowed(files: bool) -> Built<Rules> {
    let mut rules = listed(&[ALWAYS, ALWAYS_HERE]);
    if files {
        rules.append(&mut listed(&[FILES, FILES_HERE]));
    }
    // Threads, which share the memory and the process, and nothing else.
    let thread = u64::from((libc::CLONE_THREAD | libc::CLONE_VM).cast_unsigned());
    let thread = when(0, true, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    let fcntl = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC, libc::F_ADD_SEALS];
    rules.insert(libc::SYS_fcntl, one_of(1, &fcntl)?);
    // Names for threads and for memory. Nothing that undoes a wall.
    rules.insert(libc::SYS_prctl, one_of(0, &[libc::PR_SET_NAME, libc::PR_SET_VMA])?);
    // Its own limits, read.
    let own = when(0, false, SeccompCmpOp::Eq, 0)?;
    let read = when(2, true, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![own, read])?]);
    // Signals to itself: how a process gives up.
    let me = u64::from(std::process::id());
    let to_me = || SeccompRule::new(vec![when(0, false, SeccompCmpOp::Eq, me)?]);
    rules.insert(libc::SYS_tgkill, vec![to_me()?]);
    rules.insert(libc::SYS_kill, vec![to_me()?]);
    Ok(rules)
}

fn program(rules: Rules, other: SeccompAction, these: SeccompAction, arch: TargetArch) -> Built<BpfProgram> {
    SeccompFilter::new(rules, other, these, arch)?.try_into()
}

fn programs(plan: &Plan<'_>, arch: TargetArch) -> Built<[BpfProgram; 3]> {
    let errno = |errno: libc::c_int| SeccompAction::Errno(errno.cast_unsigned());
    Ok([
        program(listed(&[DEADLY, DEADLY_HERE]), SeccompAction::Allow, SeccompAction::KillProcess, arch)?,
        program(listed(&[&[libc::SYS_clone3]]), SeccompAction::Allow, errno(libc::ENOSYS), arch)?,
        // The list itself last: it does not have the call that puts up filters.
        program(allowed(!plan.folders.is_empty())?, errno(libc::EPERM), SeccompAction::Allow, arch)?,
    ])
}

/// Leaves this process with those calls.
pub(super) fn restrict(plan: &Plan<'_>) -> Result<Wall, WallError> {
    let failed = |why: &dyn std::fmt::Display| WallError { wall: WallName::Seccomp, why: why.to_string() };
    let probed = probe();
    let Some(arch) = ARCH.filter(|_| probed.stands) else { return Ok(probed) };
    let programs = programs(plan, arch).map_err(|error| failed(&error))?;
    for (nth, program) in programs.iter().enumerate() {
        match seccompiler::apply_filter_all_threads(program) {
            Ok(()) => {}
            // A kernel with the mode and without filters says so at the first one.
            Err(Error::Seccomp(error)) if nth == 0 && lacks(&error) => {
                return Ok(WallName::Seccomp.missing("this kernel has no filters"));
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(probed)
}

fn lacks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS))
}

/// Whether [`restrict`] would work.
pub(super) fn probe() -> Wall {
    if ARCH.is_none() {
        return WallName::Seccomp.missing(format!("there is no list for {}", std::env::consts::ARCH));
    }
    match rustix::thread::secure_computing_mode() {
        Ok(_) => WallName::Seccomp.stands("a list of system calls: no program, no socket, no process, no tracing"),
        Err(error) => WallName::Seccomp.missing(format!("this kernel does not have it ({error})")),
    }
}
