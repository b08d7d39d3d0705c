//! The walls, from inside. This program starts itself again as a worker that runs, in place of a module, what somebody
//! does who has broken out of the engine: native code, behind the very walls of the product. Each attempt must fail; and
//! with walls taken away it must work, so that the table says which wall holds what.
#![allow(unsafe_code, reason = "attacks are system calls")]

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    return linux::main();
    #[cfg(not(target_os = "linux"))]
    std::process::ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        ffi::OsString,
        fs,
        io::{self, Read as _},
        net::{Ipv4Addr, TcpListener, TcpStream},
        os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
        path::Path,
        process::{Command, ExitCode},
        sync::Arc,
        time::{Duration, Instant},
    };

    use libtest_mimic::{Arguments, Failed, Trial};
    use serde_json::{Value, json};
    use skillyard_artifact::module::ModuleKind;
    use skillyard_runtime::{
        call::{
            Call, Finished, Folder, Fuel, Given, HostCall, HttpRequest, HttpResponse, Limits, Log, Memory, Outcome,
            Outside, Refusal,
        },
        walls::{self, WallName},
        worker::{self, Cancel, CodeSource, Failure, Program, Ran, Runner, serve_with},
    };

    use WallName::{Descriptors, Dump, Environment, Landlock, Limits as RLimits, Privileges, Seccomp};

    const ALL: [WallName; 7] = [Environment, Descriptors, Dump, Privileges, RLimits, Landlock, Seccomp];

    /// Gets the input of the call.
    type Does = fn(&Value) -> Tried;

    /// What an attempt came to: what it got, or why it did not.
    type Tried = io::Result<String>;

    struct Attack {
        name: &'static str,
        does: Does,
        /// Without all of these it works; with any one of them it does not.
        held_by: &'static [WallName],
    }

    const ATTACKS: &[Attack] = &[
        Attack { name: "read /etc/passwd", does: |_| read("/etc/passwd"), held_by: &[Landlock] },
        Attack { name: "list /", does: |_| Ok(format!("{}", fs::read_dir("/")?.count())), held_by: &[Landlock] },
        Attack { name: "write outside", does: |at| write(at, "outside", "new"), held_by: &[Landlock] },
        Attack {
            name: "write into a folder that is only read",
            does: |at| write(at, "read", "new"),
            held_by: &[Landlock],
        },
        Attack {
            name: "overwrite a file that is only read",
            does: |at| write(at, "read", "file"),
            held_by: &[Landlock],
        },
        Attack {
            name: "remove a file that is only read",
            does: |at| fs::remove_file(path(at, "read").join("file")).map(|()| "gone".into()),
            held_by: &[Landlock],
        },
        Attack {
            name: "hard link a file from outside into a folder that is written",
            does: |at| {
                fs::hard_link(path(at, "outside").join("file"), path(at, "write").join("link"))
                    .map(|()| "linked".into())
            },
            held_by: &[Landlock],
        },
        Attack {
            name: "follow a symlink out of a folder",
            does: |at| fs::read_to_string(path(at, "write").join("way-out/file")),
            held_by: &[Landlock],
        },
        Attack {
            name: "make a pipe in a folder that is written",
            does: |at| {
                made(unsafe { libc::mknod(c(&path(at, "write").join("pipe")).as_ptr(), libc::S_IFIFO | 0o600, 0) })
            },
            held_by: &[Landlock, Seccomp],
        },
        Attack {
            name: "make a file setuid",
            does: |at| {
                let file = path(at, "write").join("file");
                made(unsafe { libc::chmod(c(&file).as_ptr(), 0o4755) })
            },
            held_by: &[Seccomp],
        },
        Attack {
            name: "read the parent's environment",
            does: |at| read(&format!("/proc/{}/environ", parent(at))),
            held_by: &[Landlock],
        },
        Attack { name: "read the parent's memory by /proc", does: read_memory, held_by: &[Landlock] },
        Attack { name: "read the parent's memory by process_vm_readv", does: vm_read, held_by: &[Landlock, Seccomp] },
        // Landlock forbids to trace what is not behind the same walls.
        Attack { name: "trace the parent", does: trace, held_by: &[Landlock, Seccomp] },
        Attack {
            name: "signal the parent",
            does: |at| made(unsafe { libc::kill(parent(at), 0) }),
            held_by: &[Landlock, Seccomp],
        },
        Attack {
            name: "connect to the parent's machine",
            does: |at| {
                let port = u16::try_from(at["port"].as_u64().unwrap_or_default()).unwrap_or_default();
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(|_| "connected".into())
            },
            held_by: &[Landlock, Seccomp],
        },
        Attack { name: "make a UDP socket", does: |_| socket(libc::AF_INET, libc::SOCK_DGRAM), held_by: &[Seccomp] },
        Attack { name: "make a Unix socket", does: |_| socket(libc::AF_UNIX, libc::SOCK_STREAM), held_by: &[Seccomp] },
        Attack {
            name: "make a netlink socket",
            does: |_| socket(libc::AF_NETLINK, libc::SOCK_RAW),
            held_by: &[Seccomp],
        },
        Attack { name: "fork", does: |_| fork(), held_by: &[Seccomp] },
        Attack { name: "clone3", does: |_| clone3(), held_by: &[Seccomp] },
        // Of Landlock, no program can be read from where they are.
        Attack {
            name: "run a program",
            does: |_| Err(Command::new("/bin/true").exec()),
            held_by: &[Landlock, Seccomp],
        },
        Attack {
            name: "run a program that it wrote",
            does: |at| {
                let file = path(at, "write").join("program");
                fs::copy("/proc/self/exe", &file).or_else(|_| fs::write(&file, "#!/bin/sh\n").map(|()| 0))?;
                made(unsafe { libc::chmod(c(&file).as_ptr(), 0o700) })?;
                Err(Command::new(file).exec())
            },
            held_by: &[Landlock, Seccomp],
        },
        Attack {
            name: "run a program from memory",
            does: |_| {
                let file = unsafe { libc::memfd_create(c"x".as_ptr(), 0) };
                made(file)?;
                let text = b"#!/none\n";
                made(i32::try_from(unsafe { libc::write(file, text.as_ptr().cast(), text.len()) }).unwrap_or(-1))?;
                let none = [std::ptr::null::<libc::c_char>()];
                let run = unsafe {
                    libc::syscall(
                        libc::SYS_execveat,
                        file,
                        c"".as_ptr(),
                        none.as_ptr(),
                        none.as_ptr(),
                        libc::AT_EMPTY_PATH,
                    )
                };
                // That there is no /none is a program of its own, started.
                let error = io::Error::last_os_error();
                if run < 0 && error.kind() != io::ErrorKind::NotFound { Err(error) } else { Ok("run".into()) }
            },
            held_by: &[Seccomp],
        },
        Attack { name: "io_uring", does: |_| call(libc::SYS_io_uring_setup, [1, 0]), held_by: &[Seccomp] },
        Attack {
            name: "a namespace of its own",
            does: |_| made(unsafe { libc::unshare(libc::CLONE_FS) }),
            held_by: &[Seccomp],
        },
        Attack { name: "keys of the session", does: |_| call(libc::SYS_keyctl, [0, -3]), held_by: &[Seccomp] },
        Attack {
            name: "let others look in again",
            does: |_| made(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) }),
            held_by: &[Seccomp],
        },
        Attack {
            name: "be looked into",
            does: |_| match unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) } {
                1 => Ok("dumpable".into()),
                _ => Err(io::ErrorKind::PermissionDenied.into()),
            },
            // The list does not have the question.
            held_by: &[Dump, Seccomp],
        },
        Attack {
            name: "survive the parent",
            does: |_| made(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0, 0, 0, 0) }),
            held_by: &[Seccomp],
        },
        Attack {
            name: "a thousand open files",
            does: |_| {
                (0..1000).try_for_each(|_| made(unsafe { libc::dup(0) }).map(drop))?;
                Ok("open".into())
            },
            held_by: &[RLimits],
        },
        Attack { name: "eight gigabytes", does: |_| memory(8 << 30), held_by: &[RLimits] },
    ];

    /// What must still work.
    const USES: &[(&str, Does)] = &[
        ("read a given folder", |at| fs::read_to_string(path(at, "read").join("file"))),
        ("list a given folder", |at| Ok(fs::read_dir(path(at, "read"))?.count().to_string())),
        ("write into a given folder", |at| write(at, "write", "new")),
        ("rename there", |at| {
            write(at, "write", "old")?;
            fs::rename(path(at, "write").join("old"), path(at, "write").join("moved")).map(|()| "moved".into())
        }),
        ("remove there", |at| {
            write(at, "write", "old")?;
            fs::remove_file(path(at, "write").join("old")).map(|()| "gone".into())
        }),
        ("make folders there", |at| fs::create_dir(path(at, "write").join("folder")).map(|()| "made".into())),
        ("threads", |_| std::thread::spawn(|| "spawned".to_owned()).join().map_err(|_| io::ErrorKind::Other.into())),
        ("memory", |_| memory(64 << 20)),
        ("time and sleep", |_| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(format!("{:?}", std::time::SystemTime::now()))
        }),
        ("random numbers", |_| {
            let mut bytes = [0_u8; 8];
            made(i32::try_from(unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), 8, 0) }).unwrap_or(-1))
        }),
        ("a panic that is caught", |_| {
            std::panic::catch_unwind(|| panic!("on purpose"))
                .err()
                .map(|_| "caught".into())
                .ok_or_else(|| io::ErrorKind::Other.into())
        }),
    ];

    fn path(at: &Value, name: &str) -> std::path::PathBuf {
        at[name].as_str().unwrap_or_default().into()
    }

    fn c(path: &Path) -> std::ffi::CString {
        std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
    }

    fn read(path: &str) -> Tried {
        let mut text = String::new();
        fs::File::open(path)?.take(64).read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(at: &Value, folder: &str, name: &str) -> Tried {
        fs::write(path(at, folder).join(name), "x").map(|()| "written".into())
    }

    fn made(result: i32) -> Tried {
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result.to_string()) }
    }

    fn call(number: libc::c_long, [a, b]: [libc::c_long; 2]) -> Tried {
        // A bad address is an answer of the call itself: it was let in.
        let result = unsafe { libc::syscall(number, a, b, 0, 0, 0, 0) };
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EPERM | libc::ENOSYS | libc::EACCES) if result < 0 => Err(io::Error::last_os_error()),
            _ => Ok("let in".into()),
        }
    }

    fn parent(at: &Value) -> i32 {
        at["parent"].as_i64().and_then(|id| i32::try_from(id).ok()).unwrap_or(i32::MAX)
    }

    fn read_memory(at: &Value) -> Tried {
        // That this opens is the harm; what is at an address does not matter.
        fs::File::open(format!("/proc/{}/mem", parent(at))).map(|_| "open".into())
    }

    fn vm_read(at: &Value) -> Tried {
        let mut byte = 0_u8;
        let here = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        // The same program, so a place that the parent has too, or an address that is none.
        let there = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let read = unsafe { libc::process_vm_readv(parent(at), &raw const here, 1, &raw const there, 1, 0) };
        match io::Error::last_os_error() {
            error if read < 0 && error.raw_os_error() != Some(libc::EFAULT) => Err(error),
            _ => Ok("read".into()),
        }
    }

    fn trace(at: &Value) -> Tried {
        let none = std::ptr::null_mut::<libc::c_void>();
        let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, parent(at), none, none) };
        made(i32::try_from(seized).unwrap_or(-1))
    }

    fn socket(family: i32, kind: i32) -> Tried {
        made(unsafe { libc::socket(family, kind, 0) })
    }

    fn fork() -> Tried {
        match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
            0 => unsafe { libc::_exit(0) },
            child => made(i32::try_from(child).unwrap_or(-1)),
        }
    }

    fn clone3() -> Tried {
        // A struct clone_args of the first version: only the signal at the child's end is set.
        let mut arguments = [0_u64; 8];
        arguments[4] = u64::from(libc::SIGCHLD.cast_unsigned());
        match unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) } {
            0 => unsafe { libc::_exit(0) },
            child => made(i32::try_from(child).unwrap_or(-1)),
        }
    }

    fn memory(bytes: usize) -> Tried {
        let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let flags = private | libc::MAP_NORESERVE;
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), bytes, read_write, flags, -1, 0) };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok("mapped".into()) }
    }

    /// Runs in the worker, walls up, in place of a module: what the call's tool is named after.
    fn attack(_: Vec<u8>, call: &Call, _: Arc<dyn Outside>) -> Finished {
        let input: Value = serde_json::from_str(&call.input).unwrap_or_default();
        let does = ATTACKS.iter().map(|attack| (attack.name, attack.does)).chain(USES.iter().copied());
        let does = does.chain([("leaked file", (|_: &Value| leaked()) as Does), ("variables", |_| variables())]);
        let tried = match does.into_iter().find(|(name, _)| *name == call.tool_id) {
            Some((_, does)) => does(&input),
            None => Err(io::Error::other("no such attack")),
        };
        Finished {
            outcome: if tried.is_ok() { Outcome::Ok } else { Outcome::ToolError },
            daemon_outcome: None,
            error: tried.as_ref().err().map(ToString::to_string),
            output: tried.ok(),
            exit_code: None,
            fuel: Fuel::default(),
            memory: Memory::default(),
            ran_ms: 0.0,
        }
    }

    fn leaked() -> Tried {
        let mut text = [0_u8; 8];
        let read = unsafe { libc::read(7, text.as_mut_ptr().cast(), 8) };
        made(i32::try_from(read).unwrap_or(-1))
    }

    fn variables() -> Tried {
        std::env::var("TOKEN").map_err(|_| io::ErrorKind::NotFound.into())
    }

    struct Nothing;

    impl Outside for Nothing {
        fn http(&self, _: HttpRequest) -> Result<HttpResponse, Refusal> {
            Err(Refusal::Denied("none".into()))
        }

        fn secret(&self, _: &str) -> Result<String, Refusal> {
            Err(Refusal::Denied("none".into()))
        }

        fn log(&self, _: Log) {}

        fn host_call(&self, _: HostCall) {}
    }

    /// Folders of one attempt, and the input that names them.
    struct Ground {
        _folder: tempfile::TempDir,
        input: Value,
        folders: Vec<Folder>,
    }

    fn ground(port: u16) -> io::Result<Ground> {
        let folder = tempfile::tempdir()?;
        let make = |name: &str| -> io::Result<_> {
            let path = folder.path().join(name);
            fs::create_dir(&path)?;
            fs::write(path.join("file"), "text")?;
            Ok(path)
        };
        let (outside, read, write) = (make("outside")?, make("read")?, make("write")?);
        std::os::unix::fs::symlink(&outside, write.join("way-out"))?;
        let input =
            json!({ "outside": outside, "read": read, "write": write, "port": port, "parent": std::process::id() });
        let folders =
            vec![Folder::new(folder.path(), "read", "read", false), Folder::new(folder.path(), "write", "write", true)];
        Ok(Ground { _folder: folder, input, folders })
    }

    fn program(without: &[WallName]) -> io::Result<Program> {
        let args = ["worker"].into_iter().chain(without.iter().map(|wall| wall.name()));
        Program::this(args.map(OsString::from).collect::<Vec<_>>())
    }

    fn tried(program: &Program, what: &str, ground: &Ground) -> Ran {
        let limits = Limits::of_quotas(1, 64 << 20, 20_000);
        let call = Call {
            kind: ModuleKind::PalyraPlugin,
            tool_id: what.into(),
            entry: "run".into(),
            input: ground.input.to_string(),
            limits,
            given: Given { folders: ground.folders.clone(), ..Given::default() },
            deterministic: None,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        worker::spawn(program).run(CodeSource::bytes(Vec::new()), &call, Arc::new(Nothing), deadline, &Cancel::new())
    }

    /// Whether the attempt worked, and in words for the table.
    fn verdict(ran: &Ran) -> (bool, String) {
        match (&ran.failure, ran.finished.outcome) {
            (None, Outcome::Ok) => (true, "works".into()),
            (None, _) => {
                let why = ran.finished.error.as_deref().unwrap_or_default();
                (false, why.split(" (os").next().unwrap_or_default().into())
            }
            // A program that was run instead says nothing: the worker is no more, without a signal.
            (Some(Failure::Died { status: Some(status), .. }), _) if status.success() => (true, "works".into()),
            (Some(Failure::Wire(_)), _) => (true, "works (and spoke)".into()),
            (Some(Failure::Died { status: Some(status), .. }), _) => (false, format!("ended ({status})")),
            (Some(other), _) => (false, other.to_string()),
        }
    }

    fn missing() -> Vec<String> {
        walls::probe().into_iter().filter(|wall| !wall.stands).map(|wall| wall.name).collect()
    }

    fn table() -> Result<(), Failed> {
        let missing = missing();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let single = [Landlock, Seccomp, RLimits, Dump, Privileges];
        let mut wrong = Vec::new();
        println!("{:62} {:28} works without", "attempt", "behind all walls");
        for attack in ATTACKS {
            if attack.held_by.iter().any(|wall| missing.iter().any(|name| name == wall.name())) {
                println!("{:62} (this kernel lacks what holds it)", attack.name);
                continue;
            }
            let with = |without: &[WallName]| -> Result<(bool, String), Failed> {
                Ok(verdict(&tried(&program(without)?, attack.name, &ground(port)?)))
            };
            let (works, words) = with(&[])?;
            let mut holders = Vec::new();
            for wall in single {
                if with(&[wall])?.0 {
                    holders.push(wall.name().to_owned());
                }
            }
            let (without_them, how) = with(attack.held_by)?;
            let named: Vec<_> = attack.held_by.iter().map(|wall| wall.name()).collect();
            if holders.is_empty() && without_them {
                holders.push(named.join(" and "));
            }
            println!("{:62} {:28} {}", attack.name, words, holders.join(", or "));
            if works {
                wrong.push(format!("{}: works behind all walls: {words}", attack.name));
            }
            if !without_them {
                wrong.push(format!("{}: does not work without {named:?}, so it shows nothing: {how}", attack.name));
            }
            let expected = if named.len() == 1 { named.join("") } else { named.join(" and ") };
            if holders != [expected.clone()] {
                wrong.push(format!("{}: held by {holders:?}, not by {expected}", attack.name));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    }

    fn uses() -> Result<(), Failed> {
        for (name, _) in USES {
            let ran = tried(&program(&[])?, name, &ground(0)?);
            if !verdict(&ran).0 {
                return Err(format!("{name}: {ran:?}").into());
            }
        }
        Ok(())
    }

    /// Without folders not even the calls that open files are there.
    fn no_folders() -> Result<(), Failed> {
        let mut ground = ground(0)?;
        ground.folders.clear();
        if missing().iter().any(|wall| wall == "seccomp") {
            return Ok(());
        }
        for what in ["read /etc/passwd", "list /", "read a given folder"] {
            let (works, words) = verdict(&tried(&program(&[Landlock])?, what, &ground));
            assert!(!works, "{what}: {words}");
        }
        Ok(())
    }

    /// A parent that leaks: started by a shell that gives the worker a file and a variable.
    fn by_shell(line: &str, without: &[WallName]) -> Result<Program, Failed> {
        let this = std::env::current_exe()?;
        let mut args: Vec<OsString> = vec!["-c".into(), line.into(), this.into(), "worker".into()];
        args.extend(without.iter().map(|wall| OsString::from(wall.name())));
        Ok(Program { path: "/bin/sh".into(), args })
    }

    fn leaks() -> Result<(), Failed> {
        let files = r#"exec env -i "$0" "$@" 7</etc/passwd"#;
        let ran = tried(&by_shell(files, &[])?, "leaked file", &ground(0)?);
        assert!(matches!(ran.failure, Some(Failure::Refused(_))), "{ran:?}");
        assert!(ran.finished.error.as_deref().is_some_and(|text| text.contains("1 open files came along")), "{ran:?}");
        let ran = tried(&by_shell(files, &[Descriptors])?, "leaked file", &ground(0)?);
        assert!(verdict(&ran).0, "without the wall it works: {ran:?}");
        let variable = r#"exec env -i TOKEN=secret "$0" "$@""#;
        let ran = tried(&by_shell(variable, &[])?, "variables", &ground(0)?);
        assert!(matches!(ran.failure, Some(Failure::Refused(_))), "{ran:?}");
        let ran = tried(&by_shell(variable, &[Environment])?, "variables", &ground(0)?);
        assert!(verdict(&ran).0, "without the wall it works: {ran:?}");
        Ok(())
    }

    /// The parent hands on neither files that it holds open for its children nor variables.
    fn hands_on_nothing() -> Result<(), Failed> {
        let file = fs::File::open("/etc/passwd")?;
        let leaked = unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&file), 7) };
        assert_eq!(leaked, 7);
        let without = [Descriptors, Environment];
        for what in ["leaked file", "variables"] {
            let (works, words) = verdict(&tried(&program(&without)?, what, &ground(0)?));
            assert!(!works, "{what}: {words}");
        }
        Ok(())
    }

    fn reported() -> Result<(), Failed> {
        let ran = tried(&program(&[])?, "memory", &ground(0)?);
        let probed = walls::probe();
        assert_eq!(ran.walls, probed, "what a worker reports is what was foretold");
        let names: Vec<_> = ran.walls.iter().map(|wall| wall.name.as_str()).collect();
        assert_eq!(names, ALL.map(WallName::name));
        Ok(())
    }

    pub fn main() -> ExitCode {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() == Some("worker") {
            let without = arguments.filter_map(|name| ALL.into_iter().find(|wall| wall.name() == name)).collect();
            let done = serve_with(&Runner { run: attack, without, ..Runner::default() });
            return ExitCode::from(u8::from(!done));
        }
        // SAFETY: nothing else runs yet.
        unsafe { std::env::set_var("TOKEN", "secret") };
        let trials = vec![
            Trial::test("every_attempt_fails_and_one_wall_or_two_hold_it", table),
            Trial::test("what_a_tool_needs_works_behind_the_walls", uses),
            Trial::test("without_folders_nothing_can_be_opened", no_folders),
            Trial::test("a_worker_that_was_left_a_file_or_a_variable_runs_nothing", leaks),
            Trial::test("a_parent_hands_on_no_file_and_no_variable", hands_on_nothing),
            Trial::test("the_report_says_which_walls_stand", reported),
        ];
        let mut arguments = Arguments::from_args();
        // One of them leaks a file on purpose.
        arguments.test_threads = Some(1);
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}
