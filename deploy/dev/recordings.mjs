#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// recordings.mjs INSTANCE BUILD FOLDER: serves every .snmprec of a folder by snmpsim, collected by a DC agent of
// its own. The community is the file's name; NAME@CONTEXT.snmprec is a context of device NAME, not a device.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { Instance } from './instance.mjs';

const SUFFIX = '.snmprec';

// snmpsim finds a community by bytes only where these are ASCII; an entry of the device list may be called so.
function plainName(name) {
	const plain = name.replace(/[^A-Za-z0-9._+-]/g, '_').slice(0, 48);
	return plain === name ? name : `${plain}-${crypto.createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

// Community names that snmpsim and the device list both take as they are.
const isPlainCommunity = (name) => /^[!-:<-~]{1,64}$/.test(name) && !name.includes('#');

// → [{name, context, file}]
function find(folder) {
	return fs.readdirSync(folder).filter((file) => file.endsWith(SUFFIX) && file.length > SUFFIX.length).sort().map((file) => {
		const whole = file.slice(0, -SUFFIX.length);
		const at = whole.indexOf('@');
		return { file: path.join(folder, file), name: at < 0 ? whole : whole.slice(0, at), context: at < 0 ? undefined : whole.slice(at + 1) };
	});
}

// The folder that snmpsim serves: links, under names that can be communities. snmpsim writes nothing there.
function link(recordings, served) {
	fs.rmSync(served, { recursive: true, force: true });
	fs.mkdirSync(served, { recursive: true });
	for (const { file, name, context } of recordings) {
		const community = isPlainCommunity(name) ? name : plainName(name);
		fs.symlinkSync(file, path.join(served, `${community}${context === undefined ? '' : `@${context}`}${SUFFIX}`));
	}
}

function entries(recordings, port, group) {
	return recordings.filter((recording) => recording.context === undefined).map(({ name }) => ({
		entry: plainName(name), address: '127.0.0.1', port, version: 2, community: isPlainCommunity(name) ? name : plainName(name),
		context: recordings.find((other) => other.name === name && other.context !== undefined)?.context,
		timeout: 2000, retries: 3, group,
	}));
}

const [dir, build, folder] = process.argv.slice(2);
const instance = new Instance(dir, build);
const recordings = find(folder);
const devices = recordings.filter((recording) => recording.context === undefined);
if (devices.length === 0) {
	console.error(`dev: there is no recording (NAME${SUFFIX}) in ${folder}`);
	process.exit(66);
}
const demo = JSON.parse(fs.readFileSync(instance.path('demo/seeded.json'), 'utf8'));
const served = instance.path('recordings');
link(recordings, served);
const port = await instance.simulate('snmpsim-recordings', served);
await instance.collector('recordings', entries(recordings, port, demo.customers[0].groups[0].name), async () => {
	const made = await instance.cli(['agent', 'invite', '--customer', demo.customers[0].id, '--type', 'dc']);
	return made.invitation;
});
instance.reload();
console.log(`dev: ${devices.length} recorded printers are collected for ${demo.customers[0].name}`);
