/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words of a kernel that has found a fault, for arrays of strings.  harness/mutants.py
 * takes them from here too, so that there is one list: a word in quotes on each line.
 */
#define SPLATS			\
	"BUG:",			\
	"WARNING:",		\
	"KASAN",		\
	"UBSAN",		\
	"Oops",			\
	"INFO:",		\
	"Kernel panic",		\
	"suspicious",		\
	"possible ",		\
	"protection fault",	\
	"blocked for more than", \
	"lockup",		\
	"unreferenced object",	\
	"allocation failure",	\
	"Tainted"

/* What a kernel also says of an allocation that was made to fail */
#define SPLATS_OR_FORCED	\
	"Call Trace",		\
	"vmalloc error",	\
	"kmemleak:"
