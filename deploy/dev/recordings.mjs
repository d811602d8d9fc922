#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// recordings.mjs INSTANCE BUILD FOLDER: serves every .snmprec of a folder by snmpsim, collected by a DC agent of
// its own. The community is the file's name; NAME@CONTEXT.snmprec is a context of device NAME, not a device.

import fs from 'node:fs';

import { failInWords, Instance } from './instance.mjs';
import { SUFFIX, serve } from './snmprec.mjs';

const [dir, build, folder] = process.argv.slice(2);
failInWords(dir);
const instance = new Instance(dir, build);
const served = instance.path('recordings');
const { devices, remarks } = serve(folder, served);
for (const remark of remarks) console.log(`dev: ${remark}`);
if (devices.length === 0) {
	console.error(`dev: there is no recording (NAME${SUFFIX}) in ${folder}`);
	process.exit(66);
}
const [customer] = JSON.parse(fs.readFileSync(instance.path('demo/seeded.json'), 'utf8')).customers;
const port = await instance.simulate('snmpsim-recordings', served);
const list = devices.map((device) => ({
	entry: device.entry, address: '127.0.0.1', port, version: 2, community: device.community, context: device.context,
	timeout: 2000, retries: 3, group: customer.groups[0].name,
}));
await instance.collector('recordings', list, async () => {
	const made = await instance.cli(['agent', 'invite', '--customer', customer.id, '--type', 'dc']);
	return made.invitation;
});
instance.reload();
console.log(`dev: ${devices.length} recorded printers are collected for ${customer.name}`);
