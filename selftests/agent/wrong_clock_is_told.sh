# agent/wrong_clock_is_told.sh - An agent whose clock is ten minutes off works and says so; one that is thirty years ahead cannot believe the edge's certificate, and says that.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need cc jq
cat >"$TMP/clock.c" <<-'C'
	#include <stdlib.h>
	#include <sys/time.h>
	#include <time.h>
	time_t time(time_t *t)
	{
		struct timeval tv;
		gettimeofday(&tv, NULL);
		tv.tv_sec += atol(getenv("OFF_BY"));
		return t ? (*t = tv.tv_sec) : tv.tv_sec;
	}
C
cc -shared -fPIC -o "$TMP/clock.so" "$TMP/clock.c"
start_edge <<-CONF
	workers: 1
CONF
off() # SECONDS NAME: an agent with that clock
{
	OFF_BY=$1 LD_PRELOAD=$TMP/clock.so ASAN_OPTIONS=verify_asan_link_order=0 start_agent "$2" tls 9001 --url "$2.test"
}
off 0 right
wait_for is_ready right.test
off 600 fast
wait_for agent_says fast "clock is [56][0-9][0-9] s ahead of the edge's"
wait_for is_ready fast.test
off -600 slow
wait_for agent_says slow "clock is [56][0-9][0-9] s behind the edge's"
wait_for is_ready slow.test
refuse agent_says right "clock is"
off 946684800 future
wait_for agent_says future "certificate has expired"
refuse is_ready future.test
