// SPDX-License-Identifier: GPL-2.0
/*
 * User space that extends PCRs of the TPM behind /dev/tpmrm0.
 *
 * It sends TPM 2.0 commands as they are on the wire (TCG TPM 2.0 Library, part 3,
 * PCR_Extend, PCR_Event, EventSequenceComplete) and must never read a log or know
 * of one: what the kernel records is held against what is sent here.
 *
 *   tpm_user extend PCR TEXT [BANK...]   digests are TEXT, repeated; every bank
 *   tpm_user event PCR TEXT              the TPM makes the digests of TEXT
 *   tpm_user sequence PCR TEXT           the same by HashSequenceStart
 *   tpm_user flood PCR COUNT             that many extends, one after the other
 *   tpm_user busy COUNT PCR...           the same in turns, says on the console
 *                                        when the TPM is busy first
 *
 * The environment's TPM names another device.  A TPM that refuses a command ends
 * it with status 1 and its response code, a device that does so with the errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ST_NO_SESSIONS	0x8001
#define ST_SESSIONS	0x8002
#define CC_PCR_EXTEND	0x182
#define CC_PCR_EVENT	0x13c
#define CC_EVENT_SEQUENCE_COMPLETE 0x185
#define CC_HASH_SEQUENCE_START 0x186
#define RS_PW		0x40000009
#define ALG_NULL	0x10

static const struct bank {
	const char *name;
	uint16_t alg, size;
} banks[] = {
	{ "sha1", 0x04, 20 }, { "sha256", 0x0b, 32 },
	{ "sha384", 0x0c, 48 }, { "sha512", 0x0d, 64 },
};

#define NR_BANKS (sizeof(banks) / sizeof(banks[0]))

static uint8_t buf[4096];
static size_t len;
static int fd;

static void put(uint64_t value, int bytes)
{
	while (bytes--)
		buf[len++] = value >> (8 * bytes);
}

static void put_bytes(const void *from, size_t n)
{
	memcpy(buf + len, from, n);
	len += n;
}

static void begin(uint16_t tag, uint32_t code)
{
	len = 0;
	put(tag, 2);
	put(0, 4);
	put(code, 4);
}

/* Empty passwords for that many handles */
static void auths(int n)
{
	put(9 * n, 4);
	while (n--) {
		put(RS_PW, 4);
		put(0, 2);
		put(0, 1);
		put(0, 2);
	}
}

/* The response code; -1 with errno if there is no response */
static long transmit(void)
{
	size_t size = len;
	ssize_t got;

	len = 2;
	put(size, 4);
	if (write(fd, buf, size) != (ssize_t)size)
		return -1;
	got = read(fd, buf, sizeof(buf));
	if (got < 10) {
		if (got >= 0)
			errno = EPROTO;
		return -1;
	}
	return (long)buf[6] << 24 | buf[7] << 16 | buf[8] << 8 | buf[9];
}

static int wanted(const struct bank *bank, char **names)
{
	if (!names || !*names)
		return 1;
	for (; *names; names++)
		if (!strcmp(*names, bank->name))
			return 1;
	return 0;
}

static long extend(uint32_t pcr, const char *text, char **names)
{
	unsigned int count = 0;

	begin(ST_SESSIONS, CC_PCR_EXTEND);
	put(pcr, 4);
	auths(1);
	for (size_t n = 0; n < NR_BANKS; n++)
		count += wanted(&banks[n], names);
	put(count, 4);
	for (size_t n = 0; n < NR_BANKS; n++) {
		if (!wanted(&banks[n], names))
			continue;
		put(banks[n].alg, 2);
		for (int i = 0; i < banks[n].size; i++)
			buf[len++] = text[i % strlen(text)];
	}
	return transmit();
}

static long event(uint32_t pcr, const char *text)
{
	begin(ST_SESSIONS, CC_PCR_EVENT);
	put(pcr, 4);
	auths(1);
	put(strlen(text), 2);
	put_bytes(text, strlen(text));
	return transmit();
}

static long sequence(uint32_t pcr, const char *text)
{
	uint8_t handle[4];
	long rc;

	begin(ST_NO_SESSIONS, CC_HASH_SEQUENCE_START);
	put(0, 2);
	put(ALG_NULL, 2);
	rc = transmit();
	if (rc)
		return rc;
	memcpy(handle, buf + 10, 4);
	begin(ST_SESSIONS, CC_EVENT_SEQUENCE_COMPLETE);
	put(pcr, 4);
	put_bytes(handle, 4);
	auths(2);
	put(strlen(text), 2);
	put_bytes(text, strlen(text));
	return transmit();
}

static int report(const char *what, long rc)
{
	if (!rc)
		printf("%s ok\n", what);
	else if (rc < 0)
		printf("%s %s\n", what, strerrorname_np(errno));
	else
		printf("%s 0x%lx\n", what, rc);
	return !!rc;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int flood(uint32_t pcr, unsigned long count)
{
	double start = now();
	char text[32];
	long rc;

	for (unsigned long n = 0; n < count; n++) {
		snprintf(text, sizeof(text), "%lu.", n);
		rc = extend(pcr, text, NULL);
		if (rc)
			return report("flood", rc);
	}
	printf("%lu extends in %.1f s\n", count, now() - start);
	return 0;
}

static void first_busy(unsigned long n)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY);

	if (console < 0)
		return;
	dprintf(console, "tpm_user: busy after %lu extends\n", n);
	close(console);
}

static int busy(unsigned long count, char **pcrs)
{
	unsigned long done = 0, refused = 0;
	char text[32];
	long rc;

	for (char **pcr = pcrs; done < count; pcr = pcr[1] ? pcr + 1 : pcrs) {
		snprintf(text, sizeof(text), "busy%lu.", done);
		rc = extend(strtoul(*pcr, NULL, 0), text, NULL);
		if (!rc)
			done++;
		else if (rc > 0 || errno != EBUSY)
			return report("busy", rc);
		else if (!refused++)
			first_busy(done);
	}
	printf("%lu extends, %lu refused\n", done, refused);
	return 0;
}

int main(int argc, char **argv)
{
	const char *device = getenv("TPM") ?: "/dev/tpmrm0";
	unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	if (argc < 4) {
		fprintf(stderr, "usage: see the head of the source\n");
		return 2;
	}
	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return report("open", -1);
	if (!strcmp(argv[1], "extend"))
		return report("extend", extend(number, argv[3], argv + 4));
	if (!strcmp(argv[1], "event"))
		return report("event", event(number, argv[3]));
	if (!strcmp(argv[1], "sequence"))
		return report("sequence", sequence(number, argv[3]));
	if (!strcmp(argv[1], "flood"))
		return flood(number, strtoul(argv[3], NULL, 0));
	if (!strcmp(argv[1], "busy"))
		return busy(number, argv + 3);
	return 2;
}
