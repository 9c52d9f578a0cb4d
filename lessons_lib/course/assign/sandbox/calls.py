"""The system calls of an honest notebook. All others are unknown behind the walls.

What is not on the list is answered like a call that this kernel does not have: sockets, new
processes, what looks into others, io_uring and io_setup, keys, userfaultfd, bpf, perf, locks and
leases on shared files, and whatever a later kernel may bring. libseccomp knows the numbers.
"""

from __future__ import annotations

import errno
import os

WORKER = 2
"""The worker in its own world of processes, where bubblewrap is the first."""

CLONE_THREAD = 0x00010000

FILES = """
    access chdir chmod close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fdatasync fgetxattr flistxattr fstat
    fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl lgetxattr link
    linkat listxattr llistxattr lseek lstat mkdir mkdirat newfstatat open openat openat2 pipe pipe2
    pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
    rename renameat renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat truncate
    umask unlink unlinkat utime utimensat utimes write writev
"""
WAITING = """
    alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl
    epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex futex_waitv getitimer gettimeofday
    nanosleep pause poll ppoll pselect6 restart_syscall rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigreturn rt_sigsuspend rt_sigtimedwait select setitimer sigaltstack time timer_create
    timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime times
"""
MEMORY = """
    brk get_mempolicy madvise mbind membarrier mincore mlock mlock2 mmap mprotect mremap msync
    munlock munmap set_mempolicy
"""
ITSELF = """
    arch_prctl execve exit exit_group get_robust_list getcpu getegid geteuid getgid getgroups
    getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage
    getsid gettid getuid prctl rseq sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity sched_yield
    set_robust_list set_tid_address setrlimit sysinfo uname wait4 waitid
"""
ALLOWED = [*FILES.split(), *WAITING.split(), *MEMORY.split(), *ITSELF.split()]
"""bubblewrap needs execve to start Python. Nothing that could be started by it may do more."""

ON_ITSELF = ("kill", "tgkill", "prlimit64")
"""Calls on a process, allowed on the worker; 0 is another name of it for the last."""

FCNTL = (0, 1, 2, 3, 4, 1030)
"""Copies and flags of an open file; no locks, leases, owners and signals."""


def program() -> bytes:
    """Return the filter as a program for the kernel, of this machine.

    Raises
    ------
    ImportError
        If pyseccomp or libseccomp is not installed.
    """
    try:
        import pyseccomp as scmp
    except RuntimeError as error:  # that is how it tells that there is no libseccomp
        raise ImportError(str(error)) from error

    rules = scmp.SyscallFilter(scmp.ERRNO(errno.ENOSYS))
    for name in ALLOWED:
        if scmp.resolve_syscall(scmp.system_arch(), name) >= 0:  # older ones lack the newer calls
            rules.add_rule(scmp.ALLOW, name)
    thread = scmp.Arg(0, scmp.MASKED_EQ, CLONE_THREAD, CLONE_THREAD)
    rules.add_rule(scmp.ALLOW, "clone", thread)
    for name in ON_ITSELF:
        rules.add_rule(scmp.ALLOW, name, scmp.Arg(0, scmp.EQ, WORKER))
    rules.add_rule(scmp.ALLOW, "prlimit64", scmp.Arg(0, scmp.EQ, 0))
    for command in FCNTL:
        rules.add_rule(scmp.ALLOW, "fcntl", scmp.Arg(1, scmp.EQ, command))
    with open(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
