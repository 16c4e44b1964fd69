#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The way between this repository and a kernel tree with one commit per patch.
#
#   series.py stitch     patches/ and the real files -> commits in out/linux
#   series.py takeback   edits and commits in out/linux -> patches/ and real files
#   series.py mail       out/series/: what goes to a mailing list
#   series.py check      git am of out/series on the bare source gives the same tree
#
# patches/NNNN-subject.patch is a mail: From:, Subject:, message, "---", one
# "Brings: PATH" for each new file that lives in this repository at its kernel
# path, and a diff of files that upstream has.  All work is done in a git index of
# its own, so that out/linux sees only the files that really differ rewritten.
# This script must never lose an edit that somebody made in out/linux.
import glob
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINUX = os.path.join(TOP, "out/linux")
PATCHES = os.path.join(TOP, "patches")
SERIES = os.path.join(TOP, "out/series")
BASE = "base"
STITCHED = "refs/stitched"
# Directories of this repository that are kernel paths; what is not, below them.
ROOMS = ("arch", "certs", "crypto", "Documentation", "drivers", "fs", "include",
         "init", "kernel", "lib", "mm", "samples", "security", "tools")
NOT_KERNEL = ("tools/kexec-tools/", "Documentation/systemd-upstream.rst")
DATE = "2026-11-01T00:00:00Z"
NAME, MAIL = "kexec-uki developers", "kexec-uki@example.org"


def die(text):
    sys.exit(f"series.py: {text}")


def run_git(tree, args, env, feed, check):
    # What a person has configured for git must not change what comes out.
    own = {k: v for k, v in os.environ.items()
           if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    env = {**own, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_AUTHOR_NAME": NAME, "GIT_AUTHOR_EMAIL": MAIL,
           "GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_NAME": NAME,
           "GIT_COMMITTER_EMAIL": MAIL, "GIT_COMMITTER_DATE": DATE, **env}
    if isinstance(feed, str):
        feed = feed.encode()
    done = subprocess.run(["git", "-C", tree, *args], env=env, input=feed,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode and check:
        die(f"git {' '.join(args[:4])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="surrogateescape").rstrip("\n")


def git(*args, tree=LINUX, feed=None, check=True):
    """git as a person would run it there."""
    return run_git(tree, args, {}, feed, check)


def plumb(*args, feed=None):
    """git on an index of our own: the checkout and its index stay as they are."""
    return run_git(LINUX, args, {"GIT_INDEX_FILE": ".git/stitch.index"}, feed, True)


class Patch:
    """One file of patches/, taken apart."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as f:
            head, sep, rest = f.read().partition("\n---\n")
        if not sep:
            die(f"{self.name}: no line of three dashes ends the message")
        fields, _, body = head.partition("\n\n")
        fields = re.sub(r"\n[ \t]+", " ", fields)
        subject = re.search(r"^Subject: *(?:\[[^]]*\] *)?(.*)$", fields, re.M)
        author = re.search(r"^From: *(.*) <(.*)>$", fields, re.M)
        if not subject or not author:
            die(f"{self.name}: needs From: and Subject: lines")
        self.subject, self.author = subject.group(1), author.groups()
        self.message = f"{self.subject}\n\n{body.strip()}\n"
        start = re.search(r"^diff --git ", rest, re.M)
        self.diff = rest[start.start():] if start else ""
        notes = rest[:start.start()] if start else rest
        self.brings = re.findall(r"^Brings: *(\S+)$", notes, re.M)


def patches():
    found = [Patch(p) for p in sorted(glob.glob(os.path.join(PATCHES, "[0-9]*.patch")))]
    for left, right in zip(found, found[1:]):
        if left.name[:4] == right.name[:4]:
            die(f"{left.name} and {right.name} have the same number")
    return found


def real_files():
    names = git("ls-files", "-co", "--exclude-standard", "--", *ROOMS, tree=TOP).split("\n")
    return {n for n in names if n and not n.startswith(NOT_KERNEL)
            and os.path.exists(os.path.join(TOP, n))}


def check_brings(series):
    seen = {}
    for patch in series:
        for name in patch.brings:
            if name in seen:
                die(f"{name} is brought by {seen[name]} and by {patch.name}")
            if not os.path.isfile(os.path.join(TOP, name)):
                die(f"{patch.name} brings {name}, which is not here")
            seen[name] = patch.name
    for name in sorted(real_files() - set(seen)):
        die(f"{name} is brought by no patch")


def put_file(name, path):
    mode = "100755" if os.access(path, os.X_OK) else "100644"
    blob = plumb("hash-object", "-w", "--", path)
    plumb("update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}")


def commit(parent, message, author):
    tree = plumb("write-tree")
    if tree == git("rev-parse", f"{parent}^{{tree}}"):
        die(f"'{message.splitlines()[0]}' changes nothing")
    env = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1]}
    return run_git(LINUX, ["commit-tree", "-p", parent, tree], env, message, True)


def build_commits(series):
    """All patches as commits on top of the base; returns the last one."""
    head = git("rev-parse", BASE + "^{commit}")
    plumb("read-tree", head)
    for patch in series:
        for name in patch.brings:
            if plumb("ls-files", "--", name):
                die(f"{patch.name} brings {name}, which the tree already has")
        if patch.diff:
            plumb("apply", "--cached", "--whitespace=nowarn", feed=patch.diff)
        for name in patch.brings:
            put_file(name, os.path.join(TOP, name))
        head = commit(head, patch.message, patch.author)
    return head


def edits():
    """Files that differ from HEAD, untracked ones too.

    Debian's .gitignore ignores the whole tree: git status would hide new files.
    """
    changed = git("diff", "--name-only", "--no-renames", "HEAD").split("\n")
    junk = [f"--exclude={p}" for p in ("*.pyc", "*.orig", "*.rej", "*~", ".*.swp",
                                       ".checkpatch-*")]
    return [n for n in changed + git("ls-files", "-o", *junk).split("\n") if n]


def move_to(head):
    """Brings the checkout there; refuses where that would lose an edit."""
    here = git("rev-parse", "HEAD")
    last = git("rev-parse", "-q", "--verify", STITCHED, check=False)
    known = (last, git("rev-parse", BASE + "^{commit}"), head)
    if here not in known or edits():
        die("there are edits in out/linux: run scripts/series.py takeback, or drop\n"
            f"them with git -C out/linux reset --hard {STITCHED}")
    git("update-ref", STITCHED, head)
    if here != head:
        git("reset", "-q", "--hard", head)
    return here != head


def stitch():
    series = patches()
    check_brings(series)
    moved = move_to(build_commits(series))
    print(f"  series: {len(series)} patches, {len(real_files())} new files, "
          + ("out/linux brought up to date" if moved else "nothing to do"))


def owners(commits):
    """Which commit brought or last changed each file that the series touches."""
    last = {}
    for index, name in enumerate(commits):
        for path in git("diff-tree", "-r", "--no-commit-id", "--name-only",
                        "--no-renames", name).split("\n"):
            last[path] = index
    return last


def edited_trees(commits):
    """The trees of all commits, with uncommitted edits put where they belong."""
    last, late = owners(commits), {}
    for path in edits():
        if path not in last:
            die(f"{path} is edited and in no commit of the series: commit it first\n"
                "(a new file with git add -f: Debian's .gitignore ignores everything)")
        late[path] = last[path]
    trees = []
    for index, name in enumerate(commits):
        plumb("read-tree", name)
        for path, owner in late.items():
            if owner > index:
                continue
            if os.path.exists(os.path.join(LINUX, path)):
                put_file(path, os.path.join(LINUX, path))
            else:
                plumb("update-index", "--force-remove", "--", path)
        trees.append(plumb("write-tree"))
    return trees


def changes(old, new):
    out = git("diff-tree", "-r", "--no-renames", "--name-status", old, new)
    return [line.split("\t") for line in out.split("\n") if line]


def slug(subject):
    return re.sub(r"[^A-Za-z0-9.]+", "-", subject).strip("-.")[:52].rstrip("-.")


def names_for(subjects, old):
    """File names: a known subject keeps its own, a new one takes a free number."""
    by_subject = {patch.subject: patch.name for patch in old}
    spare = [p.name for p in old if p.subject not in subjects]
    names, number = [], 0
    for index, subject in enumerate(subjects):
        if subject in by_subject:
            name = by_subject[subject]
        else:
            same_place = index < len(old) and old[index].name in spare
            number = int(old[index].name[:4]) if same_place else number + 1
            name = f"{number:04d}-{slug(subject)}.patch"
        number = int(name[:4])
        names.append(name)
    if names != sorted(names) or len({n[:4] for n in names}) != len(names):
        die("the numbers in patches/ leave no room here: rename some first")
    return names


def patch_text(name, old, new, brought):
    who = git("log", "-1", "--format=%an <%ae>", name)
    subject = git("log", "-1", "--format=%s", name)
    body = git("log", "-1", "--format=%b", name).strip()
    text = f"From: {who}\nSubject: [PATCH] {subject}\n\n{body}\n---\n"
    text += "".join(f"Brings: {path}\n" for path in brought)
    rest = [path for _, path in changes(old, new) if path not in brought]
    if rest:
        text += "\n" + git("diff-tree", "-p", "-r", "--no-renames", "--abbrev=12",
                           old, new, "--", *rest) + "\n"
    return text


def take_files(trees):
    """Copies every file that the series adds; returns them by commit."""
    before, added, base, last = BASE, [], set(), trees[-1]
    for tree in trees:
        new = [path for state, path in changes(before, tree) if state == "A"]
        touched = {path for state, path in changes(before, tree) if state != "A"}
        if touched & base:
            die(f"{sorted(touched & base)[0]} is changed after the patch that adds "
                "it: amend that commit instead")
        base.update(new)
        added.append(new)
        before = tree
    for path in sorted(base):
        target = os.path.join(TOP, path)
        blob = git("rev-parse", f"{last}:{path}")
        if not os.path.exists(target) or git("hash-object", "--", target) != blob:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as f:
                subprocess.run(["git", "-C", LINUX, "cat-file", "blob", blob],
                               stdout=f, check=True)
            print(f"  took back {path}")
        if git("ls-tree", last, "--", path).startswith("100755"):
            os.chmod(target, 0o755)
    gone = real_files() - base
    for path in sorted(gone):
        os.unlink(os.path.join(TOP, path))
        print(f"  removed {path}")
    return added


def takeback():
    # Refuse to overwrite: what the repository holds must be what was stitched.
    series = patches()
    check_brings(series)
    stitched = git("rev-parse", STITCHED)
    if build_commits(series) != stitched:
        die("patches/ or real files changed since the last stitch: both sides have\n"
            "edits; commit or save those of the repository, then stitch them apart")
    commits = git("rev-list", "--reverse", "--topo-order", f"{BASE}..HEAD").split()
    if not commits:
        die("out/linux has no commit on top of the base")
    trees = edited_trees(commits)
    before, added = BASE, take_files(trees)
    subjects = [git("log", "-1", "--format=%s", name) for name in commits]
    names = names_for(subjects, series)
    for patch in series:
        if patch.name not in names:
            os.unlink(os.path.join(PATCHES, patch.name))
            print(f"  removed patches/{patch.name}")
    for name, file, tree, brought in zip(commits, names, trees, added):
        text, path = patch_text(name, before, tree, brought), os.path.join(PATCHES, file)
        before = tree
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            print(f"  wrote patches/{file}")
    again = build_commits(patches())
    if git("rev-parse", again + "^{tree}") != trees[-1]:
        die("what was taken back does not stitch to the same tree; compare "
            f"{again} with {trees[-1]} in out/linux")
    git("add", "-u")
    git("update-ref", STITCHED, again)
    git("reset", "-q", "--hard", again)
    print(f"  series: {len(commits)} patches stitch to the tree that was taken back")


def cover_text():
    path = os.path.join(PATCHES, "cover-letter.txt")
    if not os.path.exists(path):
        die("patches/cover-letter.txt is missing")
    with open(path, encoding="utf-8") as f:
        subject, _, body = f.read().partition("\n")
    return subject.strip(), body.strip()


def mail():
    stitch()
    shutil.rmtree(SERIES, ignore_errors=True)
    subject, body = cover_text()
    git("format-patch", "-q", "--cover-letter", "--no-signature",
        "-o", SERIES, f"{BASE}..{STITCHED}")
    cover = os.path.join(SERIES, "0000-cover-letter.patch")
    with open(cover, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("*** SUBJECT HERE ***", subject)
    text = text.replace("*** BLURB HERE ***", body)
    with open(cover, "w", encoding="utf-8") as f:
        f.write(text)
    print(f"  series: {len(os.listdir(SERIES)) - 1} mails and a cover letter in out/series")


def check():
    """git am on the unpatched source must give the stitched tree byte for byte."""
    mails = sorted(glob.glob(os.path.join(SERIES, "*.patch")))[1:]
    wanted = git("rev-parse", STITCHED + "^{tree}")
    work = os.path.join(TOP, "out/series-check")
    shutil.rmtree(work, ignore_errors=True)
    git("clone", "-q", "--shared", "--no-checkout", LINUX, work)
    # A checkout of the files that the series touches is enough for git am.
    git("sparse-checkout", "set", "--no-cone", "--stdin", tree=work,
        feed="".join(f"/{path}\n" for _, path in changes(BASE, STITCHED)))
    git("checkout", "-q", "--detach", BASE, tree=work)
    git("am", "-q", *mails, tree=work)
    got = git("rev-parse", "HEAD^{tree}", tree=work)
    count = int(git("rev-list", "--count", f"{BASE}..HEAD", tree=work))
    shutil.rmtree(work)
    if got != wanted or not mails or count != len(mails):
        die(f"git am of {len(mails)} mails gave {got}, make kernel builds {wanted}")
    print(f"  series: git am of {count} mails gives the tree that make kernel builds")


COMMANDS = {"stitch": stitch, "takeback": takeback, "mail": mail, "check": check}
if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
    die("usage: series.py " + " | ".join(COMMANDS))
COMMANDS[sys.argv[1]]()
