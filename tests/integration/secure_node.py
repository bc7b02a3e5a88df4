"""A node with TLS and users, for the tests that want one: certificates of an authority of its own, and a users file that `logi passwd` writes."""
import os
import subprocess
import time

import requests

from harness.node import Node


class Authority:
    """A CA and server certificates signed by it, made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.bundle = os.path.join(folder, "ca-bundle.crt")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self._path("ca.key"), "-out", self.bundle, "-days", "2",
                      "-subj", "/CN=tests of logi", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    def issue(self, name, days=1):
        """Paths of a certificate for localhost and of its key; overwrites those of that name."""
        key, cert, request, extensions = (self._path(name + end) for end in (".key", ".crt", ".csr", ".ext"))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        with open(extensions, "w") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.bundle, "-CAkey", self._path("ca.key"), "-CAcreateserial", "-days", str(days),
                      "-extfile", extensions, "-out", cert)
        return cert, key


def passwd(binary, file, user, password, *flags):
    """logi passwd, its password from standard input."""
    return subprocess.run([binary, "passwd", file, user, *flags], input=None if password is None else password + "\n", text=True,
                          capture_output=True, timeout=60)


class SecureNode(Node):
    """A Node that is asked over https."""

    def __init__(self, binary, bundle, **kwargs):
        super().__init__(binary, **kwargs)
        self.bundle = bundle

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def why_not_ready(self):
        try:
            answer = requests.get(self.url + "/ready", verify=self.bundle, timeout=5)
            return None if answer.status_code == 200 else answer.text
        except requests.RequestException as error:
            return str(error)


def wait_for(condition, what, timeout=30):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout} s: {what}")
