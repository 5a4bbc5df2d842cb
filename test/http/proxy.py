# A TCP proxy before PostgreSQL, with which a test takes the database away in the ways that networks do.
import contextlib
import os
import selectors
import socket
import threading


class Proxy:
    """Listens on 127.0.0.1. Use refuse(), hang() and pass_on() at any time; cut() breaks what is connected."""

    def __init__(self, host, port):
        self._upstream = (os.path.join(host, f".s.PGSQL.{port}") if host.startswith("/") else (host, port))
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._peers = {}
        self._hanging = False
        self._closing = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener

    def refuse(self):
        """As when the server is stopped: connections end, new ones are refused."""
        with self._lock:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
            self._drop_all()
        self._wake()

    def hang(self):
        """As when a cable is pulled: connections stay, nothing comes through."""
        with self._lock:
            self._hanging = True
        self._wake()

    def pass_on(self):
        """Back to normal."""
        with self._lock:
            self._hanging = False
            if self._listener is None:
                self._listener = self._listen(self.port)
            for one in self._peers:
                with contextlib.suppress(KeyError):
                    self._selector.register(one, selectors.EVENT_READ)
        self._wake()

    def cut(self):
        """Ends all connections with RST; new ones are taken."""
        with self._lock:
            self._drop_all()
        self._wake()

    @property
    def connections(self):
        with self._lock:
            return len(self._peers) // 2

    def close(self):
        with self._lock:
            self._closing = True
        self._wake()
        self._thread.join()
        with self._lock:
            self._drop_all()
            if self._listener is not None:
                self._listener.close()
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _wake(self):
        self._wake_writer.send(b"x")

    def _drop_all(self):
        for one in list(self._peers):
            self._drop(one)

    def _drop(self, one):
        other = self._peers.pop(one, None)
        for end in (one, other):
            if end is not None:
                self._peers.pop(end, None)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.close()

    def _run(self):
        while True:
            ready = self._selector.select()
            with self._lock:
                if self._closing:
                    return
                for selected, _events in ready:
                    self._serve(selected.fileobj)

    def _serve(self, one):
        if one is self._wake_reader:
            one.recv(4096)
        elif one is self._listener:
            self._accept()
        elif one in self._peers:
            if self._hanging:
                self._selector.unregister(one)  # its bytes wait in the kernel until pass_on()
            else:
                self._forward(one)

    def _accept(self):
        client, _address = self._listener.accept()
        family = socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET
        server = socket.socket(family)
        server.connect(self._upstream)
        self._peers[client], self._peers[server] = server, client
        for one in (client, server):
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one):
        try:
            data = one.recv(65536)
            if data:
                self._peers[one].sendall(data)
                return
        except OSError:
            pass
        self._drop(one)
