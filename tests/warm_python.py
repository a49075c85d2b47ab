"""A process that has the large libraries imported, and forks a Python of its own for each command: no wait of seconds for torch.

kws itself is imported by each command anew, from where its own path leads. `warm_python.py SOCKET` is the server, and
`warm_python.py SOCKET ARGUMENTS …` stands for `python ARGUMENTS …`; tests call `WarmPython`.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# Not kws, nor train.py: a command imports them from its own folder.
LIBRARIES = (
    "torch", "torchaudio", "pytorch_lightning", "hydra._internal.hydra", "hydra.core.plugins", "onnx", "onnxscript",
    "onnxruntime", "onnxruntime.quantization", "torch.onnx._internal.exporter._core", "torch._dynamo", "torch.export",
    "torch.utils.tensorboard", "scipy.signal", "scipy.io.wavfile", "soundfile", "matplotlib.pyplot",
    "tqdm.contrib.logging", "filelock",
)  # fmt: skip
FORBIDDEN = ("kws", "train")
POLL_S = 0.02


class WarmPython:
    """The server, started with the first command.

    Args:
        folder: for its socket; short, for the name of a socket has at most about 100 letters.
    """

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "warm")
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> list[str]:
        """What stands between the interpreter and the arguments of a command that is run by the server."""
        return ["-I", "-S", str(Path(__file__).resolve()), self.address]

    def start(self) -> None:
        """Start the server, if it has not been."""
        if self._server is not None:
            return
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, __file__, self.address], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    def run(self, *arguments: str, cwd: Path, timeout: float = 280, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS …` in a folder, with these changes to the environment."""
        self.start()
        return subprocess.run(
            [sys.executable, *self.client, *arguments],
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def popen(self, *arguments: str, cwd: Path, **settings: Any) -> subprocess.Popen[str]:
        """Start `python ARGUMENTS …` in a folder; signals to it are passed on."""
        self.start()
        return subprocess.Popen([sys.executable, *self.client, *arguments], cwd=cwd, text=True, **settings)


# The server


def serve(address: str) -> None:
    """Fork a process for each command that comes in, until the parent is gone."""
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not [name for name in FORBIDDEN if name in sys.modules]
    gc.freeze()
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        listener.settimeout(2)
        parent = os.getppid()
        print("ready", flush=True)  # noqa: T201
        while os.getppid() == parent:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _attend(connection)
            connection.close()


def _reap(*_: Any) -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def _attend(connection: socket.socket) -> None:
    """Fork the command, pass signals on to it, and say how it ended; where the client is gone, end it."""
    descriptors = array.array("i")
    content, ancillary, *_ = connection.recvmsg(1 << 20, socket.CMSG_LEN(3 * descriptors.itemsize))
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    pid = os.fork()
    if pid == 0:
        connection.close()
        for target, source in enumerate(descriptors):
            os.dup2(source, target)
            os.close(source)
        _become(**json.loads(content))
    for descriptor in descriptors:
        os.close(descriptor)
    connection.setblocking(False)
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        try:
            wanted = connection.recv(1)
            os.kill(pid, wanted[0] if wanted else signal.SIGKILL)
        except BlockingIOError:
            time.sleep(POLL_S)
    connection.setblocking(True)
    connection.sendall(str(os.waitstatus_to_exitcode(ended[1])).encode())
    os._exit(0)


def _become(arguments: list[str], cwd: str, environment: dict[str, str]) -> None:
    """Be `python ARGUMENTS …`."""
    import runpy

    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    options, rest = [one for one in arguments[:1] if one in ("-m", "-c")], arguments
    first = Path(arguments[0]).resolve().parent if not options else Path(cwd)
    given = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.path[:] = [str(first), *given, *sys.path[1:]]
    sys.path_importer_cache.clear()
    sys.orig_argv = ["python", *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status: Any = 1
    try:
        rest = arguments[len(options) :]
        sys.argv = ["-c" if options == ["-c"] else rest[0], *rest[1:]]
        if options == ["-c"]:
            module = type(sys)("__main__")
            sys.modules["__main__"] = module
            exec(compile(rest[0], "<string>", "exec"), module.__dict__)
        elif options == ["-m"]:
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(rest[0], run_name="__main__")
        status = 0
    except SystemExit as left:
        status = left.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    _leave(status)


def _leave(status: Any) -> None:
    """End as Python does: its exit functions, then the status."""
    import atexit
    import threading

    if isinstance(status, str):
        print(status, file=sys.stderr)  # noqa: T201
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            status = 120
    os._exit(status if isinstance(status, int) else status is not None)


# The client


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run with this process's folder, environment, input and outputs; its exit status."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        message = json.dumps({"arguments": arguments, "cwd": str(Path.cwd()), "environment": dict(os.environ)})
        streams = array.array("i", [0, 1, 2])
        connection.sendmsg([message.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda got, _: connection.send(bytes([got])))
        status = int(connection.recv(16) or b"1")
    if status < 0:  # of a signal: end by the same
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
