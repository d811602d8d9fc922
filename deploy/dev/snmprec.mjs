// SPDX-License-Identifier: Apache-2.0
// SNMP recordings (OID|TAG|VALUE a line) as people have them, made ready for snmpsim. That wants names that can be
// communities, and values in the order of their OIDs, and ends for all printers at the first line that it cannot
// read: so what is fit is linked, what is not is served as a mended copy, and what was left out is said.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export const SUFFIX = '.snmprec';
const SIZE_MAX = 64 << 20;

// snmpsim finds a community by bytes only where these are ASCII; an entry of the device list may be called so.
function plainName(name) {
	const plain = name.replace(/[^A-Za-z0-9._+-]/g, '_').slice(0, 48);
	return plain === name ? name : `${plain}-${crypto.createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

// Community names that snmpsim and the device list both take as they are.
const isPlainCommunity = (name) => /^[!-.0-:<-~]{1,64}$/.test(name) && !name.includes('#');

// The recordings below a folder, whatever the case of their suffix: → [{file, name, context}], by name.
function find(folder, below = '') {
	return fs.readdirSync(path.join(folder, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
		const file = path.join(below, entry.name);
		if (entry.isDirectory()) return find(folder, file);
		if (!file.toLowerCase().endsWith(SUFFIX) || entry.name.length === SUFFIX.length) return [];
		const whole = file.slice(0, -SUFFIX.length);
		const at = whole.indexOf('@', below.length);
		return [{ file: path.join(folder, file), name: at < 0 ? whole : whole.slice(0, at), context: at < 0 ? undefined : whole.slice(at + 1) }];
	});
}

const order = (a, b) => {
	for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
	return a.length - b.length;
};

// A recording's values as snmpsim takes them. → {text, dropped, mended}: how many lines are no values, and whether
// text differs from what was there. Bytes stay what they are (latin1).
export function mend(text) {
	const seen = new Set();
	const values = [];
	let dropped = 0;
	let mended = false;
	let last = [];
	for (const line of text.split(/\r?\n/)) {
		const [, oid] = /^\.?(\d+(?:\.\d+)+)\|[0-9]+[A-Za-z]*(?::\w+)?\|/.exec(line) ?? [];
		const ids = oid?.split('.').map(Number);
		if (!ids || ids.some((id) => id > 0xffffffff) || ids.length > 128 || seen.has(oid)) {
			if (line.trim() !== '' && !line.startsWith('#')) dropped += 1;
			continue;
		}
		seen.add(oid);
		mended ||= order(last, ids) >= 0;
		last = ids;
		values.push({ ids, line: line.replace(/^\./, '') });
	}
	const whole = values.sort((a, b) => order(a.ids, b.ids)).map(({ line }) => `${line}\n`).join('');
	return { text: whole, dropped, mended: mended || dropped > 0 || text.includes('\r') };
}

// A recording's text, or an Error that says why it cannot be had.
function read(file) {
	const stat = fs.statSync(file, { throwIfNoEntry: false });
	if (!stat?.isFile()) throw new Error('is no file');
	if (stat.size > SIZE_MAX) throw new Error(`is larger than ${SIZE_MAX >> 20} MiB`);
	try {
		return fs.readFileSync(file, 'latin1');
	} catch (error) {
		throw new Error(`cannot be read (${error.code})`);
	}
}

// One recording at its place in the served folder. → how many of its lines were left out.
function place(file, to) {
	const { text: whole, dropped, mended } = mend(read(file));
	const before = fs.lstatSync(to, { throwIfNoEntry: false });
	if (mended) {
		if (!before?.isFile() || fs.readFileSync(to, 'latin1') !== whole) {
			fs.rmSync(to, { force: true });
			fs.writeFileSync(to, whole, { encoding: 'latin1', mode: 0o600 });
		}
	} else if (!before?.isSymbolicLink() || fs.readlinkSync(to) !== file) {
		fs.rmSync(to, { force: true });
		fs.symlinkSync(file, to);
	}
	return dropped;
}

// Makes `served` the folder that snmpsim serves. What has not changed there stays as it is, with its time.
// → {devices: [{entry, community, context}], remarks: [text]}
export function serve(folder, served) {
	const recordings = find(path.resolve(folder));
	const remarks = [];
	const kept = new Map();
	fs.mkdirSync(served, { recursive: true, mode: 0o700 });
	for (const one of recordings) {
		const community = isPlainCommunity(one.name) ? one.name : plainName(one.name);
		const as = `${community}${one.context === undefined ? '' : `@${one.context}`}${SUFFIX}`;
		const said = (what) => remarks.push(`${path.relative(folder, one.file)} ${what}`);
		try {
			if (/(^|\/)$/.test(one.name)) throw new Error('is a context without the name of its device');
			if (kept.has(as)) throw new Error('has the name of another one');
			const dropped = place(one.file, path.join(served, as));
			if (dropped > 0) said(`is served without ${dropped} of its lines, which are no OID|TAG|VALUE or repeat an OID`);
			kept.set(as, { ...one, community });
		} catch (error) {
			said(`${error.message}: left out`);
		}
	}
	for (const name of fs.readdirSync(served)) if (!kept.has(name)) fs.rmSync(path.join(served, name), { recursive: true, force: true });
	const all = [...kept.values()];
	const devices = all.filter(({ context }) => context === undefined).map(({ name, community }) => {
		const contexts = all.filter((other) => other.name === name && other.context !== undefined);
		for (const { file } of contexts.slice(1)) remarks.push(`${path.relative(folder, file)} is a second context of its device, which has one: not read`);
		return { entry: plainName(name), community, context: contexts[0]?.context };
	});
	for (const { name, context, file } of all) {
		if (context !== undefined && !all.some((other) => other.name === name && other.context === undefined)) remarks.push(`${path.relative(folder, file)} is a context of no device that is here: not read`);
	}
	return { devices, remarks };
}
