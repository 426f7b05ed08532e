// SPDX-License-Identifier: GPL-2.0-only
// Looks at status.json every second and draws what lies between two looks.  Whatever came over the
// network is set as text, never as markup.
"use strict";

const EVERY_MS = 1000, KEEP = 300;
const past = [];	   // of all: {in, out, kern, user}, the newest last
const sparks = new Map();  // by endpoint id: bytes a second
let before = null;

const $ = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children)
{
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	e.append(...children);
	return e;
}

function svg(name, attributes, ...children)
{
	const e = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	e.append(...children);
	return e;
}

/* ---- numbers for people ---- */

function short(n)
{
	const units = ["", "k", "M", "G", "T", "P"];
	let u = 0;
	while (n >= 1000 && u < units.length - 1) {
		n /= 1000;
		u++;
	}
	return (n === 0 || n >= 100 || (u === 0 && Number.isInteger(n)) ? n.toFixed(0)
		: n >= 10 ? n.toFixed(1) : n.toFixed(2)) + units[u];
}

const percent = (v) => v === null ? "–" : v > 0.999 && v < 1 ? "99.9%" : Math.round(v * 100) + "%";

/* Date has milliseconds; the events have microseconds. */
const micros = (stamp) => Date.parse(stamp.slice(0, 19) + "Z") * 1e3 + Number(stamp.slice(20, 26));

function lasted(us)
{
	if (us < 1e3)
		return us + " µs";
	if (us < 1e6)
		return (us / 1e3).toFixed(us < 1e4 ? 1 : 0) + " ms";
	if (us < 6e7)
		return (us / 1e6).toFixed(1) + " s";
	return us < 36e8 ? Math.round(us / 6e7) + " min" : (us / 36e8).toFixed(1) + " h";
}

/* ---- plots ---- */

/* The next round number, so that the axis is easy to read and does not jump with every sample. */
function ceiling(v)
{
	if (v <= 4)
		return 4;
	const unit = 10 ** Math.floor(Math.log10(v));
	return unit * [1, 2, 4, 5, 8, 10].find((m) => m * unit >= v);
}

/* How many samples fit into a plot: a minute at first, five in the end. */
const span = () => [60, 120, KEEP].find((n) => past.length <= n);

/* series: [{name, values, base}]: lines, filled down to <base> (an array) or to the bottom */
function plot(where, series, unit)
{
	const w = where.clientWidth, h = where.clientHeight, left = 52, bottom = 18, top = 6;
	const high = ceiling(Math.max(...series.flatMap((s) => s.values), 0));
	const shown = span(), x = (i, n) => left + (w - left) * (shown - n + i) / (shown - 1);
	const y = (v) => h - bottom - (h - bottom - top) * v / high;
	const out = svg("svg", {viewBox: `0 0 ${w} ${h}`, role: "img",
		"aria-label": series.map((s) => `${s.name}: ${short(s.values.at(-1) ?? 0)}${unit}`).join(", ")});

	for (let i = 0; i <= 4; i++) {
		const v = high * i / 4;
		out.append(svg("line", {class: "grid", x1: left, x2: w, y1: y(v), y2: y(v)}));
		if (i % 2 === 0)
			out.append(svg("text", {x: left - 8, y: y(v) + 4, "text-anchor": "end"}, short(v) + unit));
	}
	out.append(svg("text", {x: left, y: h - 3}, `${shown / 60} min ago`));
	out.append(svg("text", {x: w, y: h - 3, "text-anchor": "end"}, "now"));
	for (const s of series) {
		const n = s.values.length;
		if (n < 2)
			continue;
		const line = s.values.map((v, i) => `${x(i, n).toFixed(1)},${y(v).toFixed(1)}`);
		const base = s.base ? s.base.map((v, i) => `${x(i, n).toFixed(1)},${y(v).toFixed(1)}`).reverse()
			: [`${x(n - 1, n)},${y(0)}`, `${x(0, n)},${y(0)}`];
		out.append(svg("polygon", {class: `${s.base || s.filled ? "stack" : "area"} ${s.name}`,
			points: [...line, ...base].join(" ")}));
		out.append(svg("polyline", {class: `line ${s.name}`, points: line.join(" ")}));
	}
	where.replaceChildren(out);
}

function spark(values)
{
	const w = 150, h = 26, high = Math.max(...values, 1), shown = span();
	const points = values.map((v, i) =>
		`${(w * (shown - values.length + i) / (shown - 1)).toFixed(1)},${(h - 2 - (h - 4) * v / high).toFixed(1)}`);
	return svg("svg", {viewBox: `0 0 ${w} ${h}`, "aria-hidden": "true"},
		svg("line", {class: "grid", x1: 0, x2: w, y1: h - 1.5, y2: h - 1.5}),
		svg("polyline", {class: "line out", points: points.join(" ")}));
}

/* ---- from totals to rates ---- */

const kernel = (e) => e.in_kernel + e.out_kernel;
const user = (e) => e.in_user + e.out_user;

function rates(e, old, seconds)
{
	const per = (now, was) => old && seconds > 0 ? Math.max(0, now - was) / seconds : 0;
	const k = old ? kernel(e) - kernel(old) : 0, u = old ? user(e) - user(old) : 0;
	const all = kernel(e) + user(e);
	return {
		conns: per(e.total, old?.total),
		in: per(e.in_kernel + e.in_user, old?.in_kernel + old?.in_user),
		out: per(e.out_kernel + e.out_user, old?.out_kernel + old?.out_user),
		/* of what moved just now, else of everything */
		share: k + u > 0 ? k / (k + u) : all > 0 ? kernel(e) / all : null,
	};
}

const sums = ["active", "active_kernel", "total", "in_kernel", "in_user", "out_kernel", "out_user"];
const sum = (list) => Object.fromEntries(sums.map((key) => [key, list.reduce((n, e) => n + e[key], 0)]));

/* ---- the page ---- */

function set(id, number, unit)
{
	$(id).replaceChildren(number, ...unit ? [element("small", {}, " " + unit)] : []);
}

function drawHead(s)
{
	$("datapath").textContent = {kernel: "kernel datapath", splice: "splice(2), no kernel datapath"}[s.datapath]
		?? s.datapath;
	$("datapath").className = "badge " + (s.datapath === "kernel" ? "good" : "warn");
	$("state").hidden = !s.draining;
	$("about").textContent = `version ${s.version}, ${short(s.connections.total)} connections since the start`;
	$("endpoint-count").textContent = `${s.endpoint_count} online`;
	set("lost", short(s.events.lost), "");
	$("lost").className = s.events.lost ? "bad" : "";
}

function drawTotals(now, r)
{
	set("active", short(now.active), "");
	set("rate", short(r.conns), "");
	set("in", short(r.in), "B/s");
	set("out", short(r.out), "B/s");
	set("share", percent(r.share), "");
	past.push({in: r.in, out: r.out, kern: now.active_kernel, user: now.active - now.active_kernel});
	if (past.length > KEEP)
		past.shift();
	drawPlots();
}

function drawPlots()
{
	const kern = past.map((s) => s.kern);
	plot($("plot-bytes"), [{name: "in", values: past.map((s) => s.in)},
		{name: "out", values: past.map((s) => s.out)}], "B/s");
	plot($("plot-conns"), [{name: "kern", values: kern, filled: true},
		{name: "user", values: past.map((s) => s.kern + s.user), base: kern}], "");
}

function share(v)
{
	if (v === null)
		return element("td", {}, element("span", {class: "bar none"}), "–");
	const fill = element("i");
	fill.style.width = v * 100 + "%";
	return element("td", {}, element("span", {class: "bar"}, fill), percent(v));
}

function remember(id, value)
{
	const values = sparks.get(id) ?? [];
	values.push(value);
	if (values.length > KEEP)
		values.shift();
	sparks.set(id, values);
	return values;
}

function drawEndpoints(list, old, seconds)
{
	const rows = list.map((e) => ({e, r: rates(e, old.get(e.id), seconds)}));
	const cell = (text) => element("td", {class: "n"}, text);

	rows.sort((a, b) => b.r.in + b.r.out - a.r.in - a.r.out || b.e.active - a.e.active ||
		a.e.name.localeCompare(b.e.name));
	for (const id of sparks.keys())
		if (!list.some((e) => e.id === id))
			sparks.delete(id);
	$("endpoints").tBodies[0].replaceChildren(...rows.map(({e, r}) => element("tr", {},
		element("td", {class: "name", title: e.name}, e.name),
		element("td", {class: "dim"}, e.upstream),
		cell(short(e.active)), cell(short(r.conns)), cell(short(r.in) + "B"), cell(short(r.out) + "B"),
		element("td", {class: "spark"}, spark(remember(e.id, r.in + r.out))),
		share(r.share), cell(short(e.total)), cell(short(e.failed)))));
	$("endpoints").parentElement.hidden = !list.length;
	$("no-endpoints").hidden = list.length > 0;
}

function grade(reason)
{
	if (reason.endsWith("_fin"))
		return "good";
	return ["client_rst", "upstream_rst", "idle", "drained", "killed"].includes(reason) ? "warn" : "bad";
}

function drawEvents(list)
{
	$("events").tBodies[0].replaceChildren(...list.slice().reverse().map((event) => {
		const o = event.object, c = o.conn, reason = o.close_reason ?? "";
		const ip = c.client_ip?.includes(":") ? `[${c.client_ip}]` : c.client_ip;
		return element("tr", {title: o.error ?? ""},
			element("td", {class: "dim"}, new Date(event.event_timestamp).toLocaleTimeString("en-GB")),
			element("td", {}, `${ip}:${c.client_port}`),
			element("td", {class: "name"}, c.server_name ?? "–"),
			element("td", {class: "dim"}, o.upstream_addr ?? "–"),
			element("td", {class: "dim"}, o.datapath ?? ""),
			element("td", {class: "n"}, short(c.bytes_in) + "B"),
			element("td", {class: "n"}, short(c.bytes_out) + "B"),
			element("td", {class: "n dim"},
				lasted(Math.max(0, micros(c.end_ts) - micros(c.start_ts)))),
			element("td", {}, element("span", {class: "chip " + grade(reason)}, reason)));
	}));
	$("events").parentElement.hidden = !list.length;
	$("no-events").hidden = list.length > 0;
}

async function look()
{
	try {
		const reply = await fetch("status.json", {cache: "no-store", signal: AbortSignal.timeout(5000)});
		const s = await reply.json(), list = s.stats.endpoints;
		/* another daemon's totals say nothing beside ours */
		const old = before && before.at_us < s.stats.at_us ? before : null;
		const seconds = old ? (s.stats.at_us - old.at_us) / 1e6 : 0;
		const now = sum(list);
		drawHead(s.stats);
		drawTotals(now, rates(now, old && sum(old.endpoints), seconds));
		drawEndpoints(list, new Map((old?.endpoints ?? []).map((e) => [e.id, e])), seconds);
		drawEvents(s.events);
		before = s.stats;
		$("trouble").hidden = true;
	} catch (e) {
		$("trouble").textContent = "snisplitd does not answer";
		$("trouble").hidden = false;
	}
	setTimeout(look, EVERY_MS);
}

addEventListener("resize", drawPlots);
look();
