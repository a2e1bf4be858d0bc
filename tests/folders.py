"""What lies in a folder, and git in it."""

import hashlib
import shlex
import subprocess


def digest_files(folder, *parts):
    """Return the SHA-256 of each file of a folder, or of some parts of it, by its path there."""
    places = [folder / part for part in parts] or [folder]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def git(folder, *lines):
    """Run lines of git in a folder as somebody; return what the last one prints."""
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for line in lines:
        command = ["git", *author, *shlex.split(line)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
