"""Clients that others wrote, each by its own package client into build/clients: pip (a venv), npm, mvn.

Installed once for each list of packages; nothing is asked of a registry while the list stays as it was. Unreachable means that no registry
answered: a suite may then be left out, aloud. Any other failure to install is an error like every other.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "clients")

# What pip, npm and mvn say when nothing answers, or only an answer that tells nothing of the package.
OFFLINE = re.compile(
    r"Temporary failure in name resolution|Name or service not known|NewConnectionError|ConnectTimeout|Read timed out|Max retries exceeded"
    r"|ProxyError|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|Unknown host|UnknownHostException"
    r"|Connection refused|Connection timed out|Connection reset|Network is unreachable|No route to host|connect timed out"
    r"|\b50[234] (Bad Gateway|Service Unavailable|Gateway Time-?out)|Could not transfer artifact")

COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


class Unreachable(Exception):
    """No registry answers and the packages are not here yet."""


def install(folder, wanted, command, cwd=None):
    """Runs the command unless the last run in this folder wanted the same."""
    stamp = os.path.join(folder, "installed.sha256")
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if os.path.exists(stamp) and open(stamp, encoding="ascii").read() == digest:
        return
    if shutil.which(command[0]) is None:
        reason = f"there is no {command[0]}: deploy/packages.sh lists what the tests need"
        raise Unreachable(reason) if os.environ.get("LOGI_NO_PACKAGES") == "1" else AssertionError(reason)
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        told = done.stdout + done.stderr
        why = next((line.strip() for line in told.splitlines() if OFFLINE.search(line)), None)
        raise Unreachable(why[:300]) if why else AssertionError(told[-2000:])
    with open(stamp, "w", encoding="ascii") as file:
        file.write(digest)


def python(requirements):
    """A venv with what a requirements.txt lists; the path of its interpreter."""
    folder = os.path.join(BUILD, "python")
    interpreter = os.path.join(folder, "bin", "python")
    if not os.path.exists(interpreter):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    with open(requirements, encoding="utf-8") as file:
        wanted = file.read()
    install(folder, wanted, [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", "--timeout", "20", "-r", requirements])
    return interpreter


def node(package_json):
    """A folder with a copy of what stands beside package.json, and its node_modules."""
    folder = os.path.join(BUILD, "node")
    os.makedirs(folder, exist_ok=True)
    source = os.path.dirname(package_json)
    for name in os.listdir(source):
        shutil.copy(os.path.join(source, name), folder)
    with open(package_json, encoding="utf-8") as file:
        wanted = file.read()
    install(folder, wanted, ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"], cwd=folder)
    return folder


def java(pom):
    """The class path of what a pom.xml depends on."""
    folder = os.path.join(BUILD, "java")
    jars = os.path.join(folder, "jars")
    os.makedirs(folder, exist_ok=True)
    with open(pom, encoding="utf-8") as file:
        wanted = file.read()
    install(folder, wanted, ["mvn", "-q", "-B", "-U", "-f", pom, COPY_DEPENDENCIES, "-DoutputDirectory=" + os.path.abspath(jars)])
    return os.path.join(os.path.abspath(jars), "*")
