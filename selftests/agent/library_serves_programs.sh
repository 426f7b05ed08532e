# agent/library_serves_programs.sh - The example of the library, built against what `make install` leaves behind, static and shared, greets clients by their address; no name but the library's own is in it.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need curl jq openssl pkg-config
nm -u "$O/snisplitd" | grep -q __asan && skip "a library with a sanitizer needs its program to have it"
make -s -C "$LIB_DIR/.." O="$O" PREFIX="$TMP/usr" UNITDIR="$TMP/unit" install >"$TMP/install.log" 2>&1 || fail "$(cat "$TMP/install.log")"
# the file says where it was built for: here, for this
sed -i "s|^prefix=.*|prefix=$TMP/usr|; s|^libdir=.*|libdir=$TMP/usr/lib|; s|^includedir=.*|includedir=$TMP/usr/include|" "$TMP/usr/lib/pkgconfig/snisplit.pc"
export PKG_CONFIG_PATH=$TMP/usr/lib/pkgconfig
# shellcheck disable=SC2046 # words are wanted
cc -o "$TMP/shared" "$LIB_DIR/../tools/example/greet.c" $(pkg-config --cflags --libs snisplit)
# shellcheck disable=SC2046
cc -o "$TMP/static" "$LIB_DIR/../tools/example/greet.c" $(pkg-config --cflags snisplit) -L"$TMP/usr/lib" -Wl,-Bstatic -lsnisplit -Wl,-Bdynamic \
	$(pkg-config --libs libssl libcrypto libbpf) -pthread
for lib in libsnisplit.a libsnisplit.so.0; do
	[ -z "$(nm -g --defined-only "$TMP/usr/lib/$lib" | awk 'NF == 3 && $3 !~ /^snisplit_/')" ] || fail "$lib: $(nm -g --defined-only "$TMP/usr/lib/$lib" | head)"
done
start_edge <<-CONF
	workers: 1
CONF
export LD_LIBRARY_PATH=$TMP/usr/lib
for kind in shared static; do
	"$TMP/$kind" "$TUNNEL" "$CA" "$TOKEN" $kind.test >"$TMP/$kind.log" 2>&1 &
	wait_for is_ready $kind.test
	same "url" "$(cat "$TMP/$kind.log")" "tls://$kind.test"
	got=$(openssl s_client -quiet -connect "$EDGE:443" -servername $kind.test -CAfile "$CA" -verify_return_error </dev/null 2>"$TMP/s_client") ||
		fail "$(cat "$TMP/s_client")"
	[[ $got =~ ^hello\ 127\.0\.0\.1:[0-9]+,\ you\ asked\ for\ $kind\.test$ ]] || fail "$kind: $got"
done
refuse "$TMP/shared" "$TUNNEL" "$CA" "$TOKEN" shared.test 2>"$TMP/taken"
grep -q "already online\|is alive" "$TMP/taken" || fail "$(cat "$TMP/taken")"
# one that lets go of it ends as it would have: OpenSSL may not have functions of a library that is gone
# shellcheck disable=SC2046
cc -o "$TMP/unload" "$LIB_DIR/fixtures/unload.c" $(pkg-config --cflags snisplit) -ldl -Wl,--no-as-needed $(pkg-config --libs libssl libcrypto)
"$TMP/unload" "$TMP/usr/lib/libsnisplit.so.0" || fail "unload: $?"
