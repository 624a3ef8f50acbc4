// SPDX-License-Identifier: GPL-2.0
/*
 * The very first process: random numbers are there at once, without waiting
 * for the machine to have been looked at long enough. Then it powers off.
 */
#include <sys/random.h>
#include <sys/reboot.h>
#include "check.h"

int main(void)
{
	unsigned char bytes[64];
	ssize_t got = getrandom(bytes, sizeof(bytes), GRND_NONBLOCK);

	check(getpid() == 1, "is the first process", "it is %d", getpid());
	check(got == sizeof(bytes), "getrandom() does not wait", "%zd: %s", got,
	      strerror(errno));
	reboot(RB_POWER_OFF);
	return done();
}
