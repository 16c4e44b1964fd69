#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Shows that the fuzz targets can fail: breaks each room of the pure code in
# several ways, one at a time and in a copy, and runs its target on the corpus
# until it finds that.  One that is not found in time has survived and is a
# failure.  "corpus" says that the corpus alone finds it.  It must never touch
# the files themselves.
#
#   tests/fuzz/mutants.py [--seconds N] [ROOM...]

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
TREE = pathlib.Path(os.environ.get("KERNEL_TREE", TOP / "out/linux"))
CORPUS = TOP / "tests/fuzz/corpus"
EVENTLOG = "drivers/char/tpm/eventlog/"
DICTS = {"pefile": "pe", "uki": "pe", "companion": "newc"}

# target: the file, then what is broken: (is, becomes)
MUTANTS = {
    "pefile": ("lib/pefile.c", (
        ("!check_add_overflow(off, len, &end) && end <= r->len",
         "!check_add_overflow(off, len, &end) && end <= r->len + 1"),
        ("if (!inside(r, off, sizeof(struct pe_hdr)))", "if (0)"),
        ("if (!inside(r, r->opt_off, r->opt_len))", "if (0)"),
        ("if (r->nr_dirs > room)", "if (0)"),
        ("if (off < sizeof(struct mz_hdr))", "if (0)"),
        ("if (pe->nr_sections > PEFILE_MAX_SECTIONS)", "if (0)"),
        ("if (end > pe->header_size)\n\t\treturn refuse(r, \"section table",
         "if (0)\n\t\treturn refuse(r, \"section table"),
        ("if (!inside(r, 0, pe->header_size))", "if (0)"),
        ("if (!inside(r, off, len))\n\t\treturn refuse(r, \"cert",
         "if (0)\n\t\treturn refuse(r, \"cert"),
        ("if (off < pe->header_size)", "if (0)"),
        ("if (raw->off < pe->header_size)", "if (0)"),
        ("else if (!inside(r, raw->off, raw->len))", "else if (0)"),
        ("if (hashed + pe->certs.len > r->len)", "if (hashed > r->len)"),
        ("off == walk->rank_off && i <= walk->rank_idx",
         "off == walk->rank_off"),
        ("if (found && off >= span->off)", "if (found && off > span->off)"),
        ("set_span(span, walk->hashed, len - pe->certs.len)",
         "set_span(span, walk->hashed, len)"),
        ("dirent + sizeof(struct data_dirent) : dirent",
         "dirent + sizeof(u32) : dirent"),
        ("if (!inside(&r, off, sizeof(struct section_header)))", "if (0)"),
        ("if (nr <= RELOC_DIRENT)", "if (0)"),
        ("memcpy(r->err->section, section->name, PEFILE_NAME_LEN);", ""),
        ("memset(r.err, 0, sizeof(*r.err));", ""))),
    "uki": ("lib/uki.c", (
        ("if (end > pe->image_size)", "if (0)"),
        ("if (zeros > UKI_MAX_ZERO_FILL)", "if (0)"),
        ("u64 end = section->virtual_address + size;",
         "u32 end = section->virtual_address + size;"),
        ("size = other.virtual_size ?: other.raw.len;",
         "size = other.virtual_size;"),
        ("section->virtual_address < other.virtual_address + size",
         "section->virtual_address <= other.virtual_address + size"),
        ("found->data.len = min(section.raw.len, found->size);",
         "found->data.len = section.raw.len;"),
        ("return id != UKI_DTBAUTO && id != UKI_EFIFW;",
         "return id != UKI_DTBAUTO;"),
        ("return (unsigned int)id < UKI_NR_SECTIONS && id != UKI_PCRSIG;",
         "return (unsigned int)id < UKI_NR_SECTIONS && id != UKI_PCRPKEY;"),
        ("if (profile && profile >= uki->nr_profiles)",
         "if (profile && profile > uki->nr_profiles)"),
        ("if (!uki->sections[UKI_LINUX].size)", "if (0)"),
        ("merge_range(buf, uki, first, next_profile(buf, uki, first + 1));",
         "merge_range(buf, uki, first, uki->pe.nr_sections);"),
        ("memset(uki->sections, 0, sizeof(uki->sections));", ""),
        ("if (same && (!n || profile))", "if (same && profile)"),
        ("return !more1 && !more2;", "return !more1;"),
        ("else if (sections[UKI_LINUX].size)", "else if (0)"),
        ("ret = uki_newc_file(newc, path, 0444, data);",
         "ret = uki_newc_file(newc, path, 0400, data);"))),
    "cmdline": ("lib/uki.c", (
        ("if (n > len)\n\t\treturn len;", ""),
        ("if (n == 1 || n > 6)", "if (n == 1 || n > 7)"),
        ("while (*pos < len && text[*pos])",
         "while (*pos <= len && text[*pos])"),
        ("(unichar & 0xf800) == 0xd800", "0"),
        ("if (c < 0x800) {", "if (c <= 0x800) {"),
        ("m->c <= 0x20 || m->c == 0x7f", "m->c <= 0x20"),
        ("m->blanks += m->inside;", "m->blanks++;"),
        ("check_mul_overflow(number, 10U, &number)", "(number *= 10, 0)"),
        ("else if (i < len && text[i])\n\t\treturn 0;", ""),
        ("return i < text->len ?", "return i <= text->len ?"),
        ("return unichar != 0;", "return true;"),
        ("out[fill] = '\\0';", ""))),
    "newc": ("lib/uki_newc.c", (
        ("if (pos > len || len - pos < NEWC_HDR_SIZE)",
         "if (pos > len || len - pos < NEWC_HDR_SIZE - 8)"),
        ("if (data_off > len)", "if (data_off > len + 4)"),
        ("if (*end > len)", "if (0)"),
        ("if (strnlen(path, name_len) != name_len - 1)",
         "if (path[name_len - 1])"),
        ("if (fields[NEWC_NAMESIZE] < 2)", "if (fields[NEWC_NAMESIZE] < 1)"),
        ("if (digit > 5)", "if (digit > 6)"),
        ("if (trailer->data.len)", "if (0)"),
        ("for (; end < len; end++)", "for (; end + 1 < len; end++)"),
        ("return end <= newc->size ? 0 : -ENOSPC;",
         "return end <= newc->size + 4 ? 0 : -ENOSPC;"),
        ("if (newc->buf && end > newc->size)", "if (0)"),
        ("put_zeros(newc, -newc->pos & 3);",
         "put_zeros(newc, 4 - (newc->pos & 3));"),
        ("len > NEWC_MAX_SIZE)", "0)"),
        ("newc->ino = 0;", ""),
        ("path, slash - path, UKI_NEWC_DIR | 0555",
         "path, slash - path, UKI_NEWC_DIR | mode"))),
    "companion": ("lib/uki_companion.c", (
        ("if (member->nlink > 1)", "if (0)"),
        ("if (found == UKI_MAX_COMPANIONS)", "if (0)"),
        ("if (companions && found == *nr)", "if (0)"),
        ("if (path->dir_len <= suffix_len)", "if (0)"),
        ("path->name_len > MAX_NAME_LEN)", "0)"),
        ("return c >= 'A' &&", "return c > 'A' &&"),
        ("if (member->data.len != UKI_BOOT_SECRET_SIZE)", "if (0)"),
        ("if ((u8)path->name[i] > 127)", "if ((u8)path->name[i] > 128)"),
        ("return any ? NULL :", "return 1 ? NULL :"),
        ("first->dir_len != path->dir_len ||", ""),
        ("&companions[i]) >= 0)", "&companions[i]) > 0)"),
        ("return end[-1] != '/' &&", "return"),
        ("if (companions[i].kind != companions[0].kind)", "if (0)"))),
    "tcg2_log": (EVENTLOG + "tcg2_log.c", (
        ("if (len < EVENT_DATA)", "if (len < EVENT_DATA - 4)"),
        ("if (data_len > len - EVENT_DATA)", "if (data_len > len)"),
        ("nr * SPECID_ALG_LEN > data_len - SPECID_ALGS)", "0)"),
        ("if (!nr || nr > TCG2_LOG_MAX_ALGS ||",
         "if (!nr || nr > TCG2_LOG_MAX_ALGS + 1 ||"),
        ("alg->size > TCG2_LOG_MAX_DIGEST", "0"),
        ("return find_alg(head, alg->id) == head->nr_algs;", "return true;"),
        ("n == head->nr_algs || seen & (1U << n)", "n == head->nr_algs"),
        ("if (len - *off < head->algs[n].size)", "if (0)"),
        ("if (len - at < sizeof(u32))", "if (0)"),
        ("if (len - at < data_len)", "if (len < data_len)"),
        ("if (!type && !data_len)", "if (!type)"),
        ("if (off < head->len || off > len)", "if (off > len)"),
        ("if (record_len > size - *len)", "if (record_len > size)"),
        ("if (digest || !event->digests[i].digest)",
         "if (!event->digests[i].digest)"),
        ("if (len > record->data_len - TCG2_TAG_HEAD)",
         "if (len > record->data_len)"),
        ("record->data_len < TCG2_TAG_HEAD)", "0)"),
        ("if (nr > TCG2_LOG_MAX_ALGS)\n\t\t\treturn -EBADMSG;", ""),
        ("if (!entry || len < entry)", "if (!entry)"),
        ("return len ? -EBADMSG : 0;\n}\n\n/**\n * tcg2_note_read",
         "return 0;\n}\n\n/**\n * tcg2_note_read"))),
    "tpm2_extend": (EVENTLOG + "tpm2_extend.c", (
        ("if (r->bad || r->len < len)", "if (r->bad)"),
        ("if (size < HEAD_LEN || size > len)", "if (size < HEAD_LEN)"),
        ("if (size < HEAD_LEN || size > len)", "if (size > len)"),
        ("r->bad || count > TPM2_EXTEND_MAX_DIGESTS",
         "r->bad || count > TPM2_EXTEND_MAX_DIGESTS + 1"),
        ("if (r->len)\n\t\treturn -EBADMSG;\n\textend->nr", "extend->nr"),
        ("if (r.bad || size > r.len)", "if (r.bad)"),
        ("handle >> HANDLE_TYPE_SHIFT != HANDLE_TYPE_PCR", "0"),
        ("if (r->bad || !digest->size)", "if (r->bad)"),
        ("if (!err && !is_hashed(extend))", "if (0)"),
        ("if (len < HEAD_LEN)\n\t\treturn TPM2_EXTEND_NONE;", ""))),
    "sbat": ("lib/uki_sbat.c", (
        ("if (*generation > UKI_SBAT_GENERATION_MAX)", "if (0)"),
        ("if (off == end)\n\t\treturn malformed",
         "if (0)\n\t\treturn malformed"),
        ("if (field + 1 < needed)", "if (field + 2 < needed)"),
        ("while (end < len && text[end])", "while (end <= len && text[end])"),
        ("if (text[i])\n\t\t\treturn malformed",
         "if (0)\n\t\t\treturn malformed"),
        ("limit.name_len == record->name_len &&", ""),
        ("record.generation >= limit", "record.generation > limit"),
        ("if (revoked || record.generation", "if (record.generation"),
        ("if (!ret && !nr)", "if (0)"),
        ("if (section->raw.len < section->virtual_size)", "if (0)"),
        ("if (found) {", "if (0) {"),
        ("while (stop < walk->end && !is_newline(chars[stop]))",
         "while (!is_newline(chars[stop]))"),
        ("return c == '\\r' || c == '\\n';", "return c == '\\n';"))),
}


# As much of the kernel's tree as the targets are built from
NEEDED = ("tools/include", "tools/scripts", "tools/kexec-uki/fuzz",
          "tools/kexec-uki/include", "include/linux/pe.h",
          "include/linux/pefile.h", "include/linux/tcg2_log.h",
          "include/linux/uki*.h", "lib/pefile.c", "lib/uki*.c",
          EVENTLOG + "tcg2_log.c", EVENTLOG + "tpm2_extend.[ch]")


def copy_tree(tree):
    for pattern in NEEDED:
        for source in TREE.glob(pattern):
            target = tree / source.relative_to(TREE)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)


def build(tree, place, room):
    done = subprocess.run(
        ["make", "-C", tree / "tools/kexec-uki/fuzz", f"O={place}",
         "CFLAGS=-O1 -w", f"{place}/fuzz_{room}"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])


def hunt(tree, place, room, seconds):
    """How it is found, after how long, by what; None if it is not"""
    work = place / "corpus"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    words = tree / f"tools/kexec-uki/fuzz/{DICTS.get(room, room)}.dict"
    start = time.monotonic()
    for how, options in (
            ("corpus", ["-runs=0"]),
            ("fuzzing", [f"-max_total_time={seconds}", "-max_len=2048",
                         f"-dict={words}", work])):
        done = subprocess.run(
            [place / f"fuzz_{room}", f"-artifact_prefix={place}/",
             "-timeout=20", *options, CORPUS / room], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if done.returncode:
            said = re.search(r"not true: (.*)|ERROR: (\w+: [\w-]+)|"
                             r"(runtime error): ", done.stdout)
            return (how, time.monotonic() - start,
                    next(filter(None, said.groups())) if said else "?")
    return None


def unbroken(place, room):
    """Whether the target is content with the room as it is"""
    build(place / "tree", place, room)
    found = hunt(place / "tree", place, room, 1)
    if found:
        print(f"FAILED {room}: not broken, and yet: {found[2]}", flush=True)
    return not found


def try_one(place, room, name, change, seconds):
    """Whether the target finds this change of the file"""
    tree, (old, new) = place / "tree", change
    label = f"{room}: {' '.join(old.split())} -> {' '.join(new.split())}"
    whole = (tree / name).read_text(encoding="utf-8")
    if old not in whole:
        print(f"FAILED {label}: no such text any more", flush=True)
        return False
    (tree / name).write_text(whole.replace(old, new, 1), encoding="utf-8")
    build(tree, place, room)
    found = hunt(tree, place, room, seconds)
    (tree / name).write_text(whole, encoding="utf-8")
    if found:
        how, after, said = found
        print(f"{label}: {how}, {after:.0f} s: {said[:60]}", flush=True)
    else:
        print(f"FAILED {label}: survived", flush=True)
    return found is not None


def main():
    args, seconds = sys.argv[1:], 60
    if args[:1] == ["--seconds"]:
        seconds, args = int(args[1]), args[2:]
    os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=1:symbolize=0"
    results = []
    with tempfile.TemporaryDirectory() as where:
        place = pathlib.Path(where)
        copy_tree(place / "tree")
        for room in args or MUTANTS:
            name, changes = MUTANTS[room]
            results.append(unbroken(place, room))
            results += [try_one(place, room, name, change, seconds)
                        for change in changes]
    failed = results.count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not results else 0)


main()
