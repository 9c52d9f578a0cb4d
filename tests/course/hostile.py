"""Programs that a student might hand in to hurt someone. Each stores what it got in ``got``.

``{outside}`` is a folder that is none of theirs; it holds ``key.txt`` and ``other.ipynb``.
"""

SECRET = "the-key-of-the-lab"

READS = {
    "the key": "got = open('{outside}/key.txt').read()",
    "another submission": "got = open('{outside}/other.ipynb').read()",
    "through a link": "import os; os.symlink('{outside}/key.txt', 'a'); got = open('a').read()",
    "through a hard link": "import os; os.link('{outside}/key.txt', 'a'); got = open('a').read()",
    "names of files": "import os; got = os.listdir('{outside}')",
    "the grader's environment": "import os; got = open(f'/proc/{{os.getppid()}}/environ').read()",
    "the test's environment": "got = open('/proc/{grader}/environ').read()",
    "the grader's memory": "got = open('/proc/{grader}/mem', 'rb').read(1)",
    "its own open files": "import os; got = os.listdir('/proc/self/fd')",
    "whether a file is there": "import os; got = os.stat('{outside}/key.txt').st_size",
    "whether a folder is there": "import os; got = os.stat('{outside}').st_mtime",
    "what is mounted": "got = open('/proc/self/mountinfo').read()",
    "all processes": "import os; got = os.listdir('/proc/1')",
    "the list of users": "got = open('/etc/passwd').read()",
    "the memory of all": "got = open('/dev/mem', 'rb').read(1)",
    "another root": "import os; os.chroot('.'); got = os.listdir('/')",
    "by another program": (
        "import subprocess; got = subprocess.check_output(['cat', '{outside}/key.txt'])"
    ),
    "by a shell": "got = get_ipython().getoutput('cat {outside}/key.txt')",
    "by replacing itself": "import os; os.execv('/bin/cat', ['cat', '{outside}/key.txt']); got = 1",
}

WRITES = {
    "a new file": "open('{outside}/new', 'w').write('x')",
    "over the key": "open('{outside}/key.txt', 'w').write('x')",
    "cutting the key": "import os; os.truncate('{outside}/key.txt', 0)",
    "deleting the key": "import os; os.remove('{outside}/key.txt')",
    "renaming the key": "import os; os.rename('{outside}/key.txt', 'mine')",
    "a folder": "import os; os.mkdir('{outside}/new')",
    "a pipe": "import os; os.mkfifo('{outside}/new')",
    "the mode of the key": "import os; os.chmod('{outside}/key.txt', 0)",
    "the times of the key": "import os; os.utime('{outside}/key.txt', (0, 0))",
    "the owner of the key": "import os; os.chown('{outside}/key.txt', 1, 1)",
    "a mark on the key": "import os; os.setxattr('{outside}/key.txt', 'user.a', b'x')",
    "the library": "import lessons_lib; open(lessons_lib.__file__, 'a').write('# x')",
    "a new root": "import os; open('/new', 'w').write('x')",
    "a folder in the library": "import lessons_lib, os; os.mkdir(lessons_lib.__path__[0] + '/a')",
    "the questions": "import lessons_lib.course.checks as c; open(c.__file__, 'a').write('# x')",
    "shared memory": "open('/dev/shm/a', 'w').write('x')",
    "Python": "import os; open(os.__file__, 'a').write('# x')",
    "the mode of Python": "import os; os.fchmod(os.open(os.__file__, os.O_RDONLY), 0)",
}

REACHES = {
    "tcp": "import socket; socket.create_connection(('127.0.0.1', {port}), timeout=1)",
    "udp": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "ipv6": "import socket; socket.socket(socket.AF_INET6)",
    "unix": "import socket; socket.socket(socket.AF_UNIX).connect('{outside}/socket')",
    "abstract unix": "import socket; socket.socket(socket.AF_UNIX).connect('\\0{grader}')",
    "a pair of sockets": "import socket; socket.socketpair()",
    "netlink": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "a page of the web": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}')",
    "a signal to its parent": "import os; os.kill(os.getppid(), 9)",
    "a signal to the grader": "import os; os.kill({grader}, 9)",
    "a signal to all": "import os; os.kill(-1, 9)",
    "a signal to the group": "import os; os.killpg(os.getpgid({grader}), 9)",
    "a queued signal": (
        "import ctypes, os; info = (ctypes.c_int * 32)(9, 0, -1)\n"
        "if ctypes.CDLL(None).syscall(129, {grader}, 9, info) < 0: raise OSError('refused')"
    ),
    "a child": "import os\nif os.fork() == 0: os._exit(0)",
    "a child by spawn": "import os; os.posix_spawn('/bin/true', ['true'], {{}})",
    "a child process pool": (
        "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start()"
    ),
    "its own session": "import os; os.setsid()",
    "another process's limits": "import resource; resource.prlimit({grader}, resource.RLIMIT_CPU)",
    "more for itself": (
        "import resource; r = resource.RLIMIT_AS; a, b = resource.getrlimit(r)\n"
        "resource.setrlimit(r, (2 * a, 2 * b))"
    ),
    "another process's priority": "import os; os.setpriority(os.PRIO_PROCESS, {grader}, 19)",
    "tracing": (
        "import ctypes\n"
        "if ctypes.CDLL(None).ptrace(16, {grader}, 0, 0) < 0: raise OSError('refused')"
    ),
    "memory that outlives it": (
        "import ctypes\nif ctypes.CDLL(None).shmget(0, 4096, 0o1600) < 0: raise OSError('refused')"
    ),
    "memory without a file": "import os; os.memfd_create('a')",
    "a lock on a shared file": (
        "import fcntl, os; fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_SH)"
    ),
    "a lock on a part of a shared file": (
        "import fcntl, os; fcntl.lockf(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_SH)"
    ),
    "a lease on a shared file": (
        "import fcntl, os; fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, 0)"
    ),
    "another user": "import os; os.setuid(1)",
    "a mount": (
        "import ctypes\n"
        "if ctypes.CDLL(None).mount(b'none', b'.', b'tmpfs', 0, None) < 0: raise OSError('refused')"
    ),
}

EXHAUSTS = {
    "memory": "keep = [bytearray(1 << 28) for _ in range(1000)]",
    "memory of tensors": "import torch; keep = [torch.ones(1 << 25) for _ in range(1000)]",
    "open files": "keep = [open('/dev/null') for _ in range(100_000)]",
    "many files": "i = 0\nwhile True:\n    open(f'{i}', 'wb').write(bytes(1 << 20)); i += 1",
    "one large file": "f = open('a', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()",
    "threads": (
        "import threading, time\n"
        "for _ in range(100_000):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    ),
}
"""The last leaves a process of which nothing more is asked."""

EMPTY = "for name in os.listdir('.'):\n    if os.path.isfile(name): os.remove(name)"

FILLS = {
    "files": "open(f'a{len(os.listdir())}', 'wb').write(bytes(1 << 20))",
    "files without a name": (
        "keep.append(open('a', 'wb')); os.remove('a'); keep[-1].write(bytes(1 << 20))\n"
        "keep[-1].flush()"
    ),
    "one file that grows": "with open('a', 'ab') as f: f.write(bytes(1 << 20))",
}

DEEP = "import os\nwhile True: os.mkdir('a'); os.chdir('a')"

HANGS = {
    "a loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "printing gigabytes": "while True: print('x' * 1_000_000)",
    "input": "input()",
}

DIES = {
    "a loop without the alarm": (
        "import signal; signal.signal(14, signal.SIG_IGN)\nwhile True: pass"
    ),
    "deaf to SIGTERM": (
        "import signal\nfor s in range(1, 65):\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
        "while True: pass"
    ),
    "leaving": "import os; os._exit(0)",
    "crashing": "import ctypes; ctypes.string_at(0)",
    "a stop signal to itself": "import os; os.kill(os.getpid(), 19)",
    "a word to the grader": "import os; os.write(4, b'\\xff' * 100_000)",
    "not JSON": "import os; os.write(4, b'\\0\\0\\0\\5hello')",
    "JSON of another form": "import os; os.write(4, b'\\0\\0\\0\\2[]')",
}
