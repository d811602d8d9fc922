// SPDX-License-Identifier: Apache-2.0
// What a technician does on the support site with a remote operation: find a device, order, look what became of it.

import { forms } from '../../demo/visitor.mjs';
import { assert, customer, signedIn, until } from './harness.mjs';

export const technician = await signedIn('technician', 'Northlight Service');
export const text = (html) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

// The device page's id of what a search finds, on the support site.
export async function find(query) {
	const { body } = await technician.get(`/devices?q=${encodeURIComponent(query)}`);
	const [, id] = /\/devices\/(de_\w+)/.exec(body) ?? [];
	assert.ok(id, `${query} is in the list`);
	return id;
}

// The form of a new operation. What is asked for by default can be done as soon as dispatch has heard of the agent,
// which may be a moment after the agent has said so.
async function form(id, wait) {
	return until(`${id} to take get-status`, 20, async () => {
		const page = await technician.get(`/devices/${id}/operation`);
		assert.equal(page.status, 200, text(page.body).slice(0, 300));
		const [input] = /<input\b[^>]*value="get-status"[^>]*>/.exec(page.body);
		return (!wait || !/\bdisabled\b/.test(input)) && forms(page.body).find((one) => 'key' in one.fields);
	});
}

export async function order(id, fields = {}) {
	const made = await form(id, !fields.kind);
	return technician.send({ ...made, fields: { ...made.fields, kind: 'get-status', purpose: 'a test', ...fields } });
}

// A printer of the demo's that answers, of that customer: which comes first in the list differs between instances.
export async function printerOf(owner = customer()) {
	const { body } = await technician.get('/devices?state=idle');
	const row = body.split('<tr').find((one) => one.includes(owner.name) && /Velmora|Drift|Fathom|Pagewell/.test(one) && !/\bT\d+/.test(one));
	assert.ok(row, `an idle printer of ${owner.name}`);
	return /\bde_\w{22}\b/.exec(row)[0];
}

// What the page of an operation says, as text.
export const said = async (path) => text((await technician.get(path)).body);

export const outcome = (path, word, seconds = 30) => until(`${path} to be ${word}`, seconds, async () => {
	const words = await said(path);
	return new RegExp(`\\b${word}\\b`).test(words) && words;
});
