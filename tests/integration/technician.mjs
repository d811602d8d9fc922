// SPDX-License-Identifier: Apache-2.0
// What a technician does on the support site with a remote operation: find a device, order, look what became of it.

import { forms } from '../../demo/visitor.mjs';
import { assert, signedIn, until } from './harness.mjs';

export const technician = await signedIn('technician', 'Northlight Service');
export const text = (html) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

// The device page's id of what a search finds, on the support site.
export async function find(query) {
	const { body } = await technician.get(`/devices?q=${encodeURIComponent(query)}`);
	const [, id] = /\/devices\/(de_\w+)/.exec(body) ?? [];
	assert.ok(id, `${query} is in the list`);
	return id;
}

export async function order(id, fields = {}) {
	const page = await technician.get(`/devices/${id}/operation`);
	assert.equal(page.status, 200, text(page.body).slice(0, 300));
	const form = forms(page.body).find((one) => 'key' in one.fields);
	return technician.send({ ...form, fields: { ...form.fields, kind: 'get-status', purpose: 'a test', ...fields } });
}

// What the page of an operation says, as text.
export const said = async (path) => text((await technician.get(path)).body);

export const outcome = (path, word, seconds = 30) => until(`${path} to be ${word}`, seconds, async () => {
	const words = await said(path);
	return new RegExp(`\\b${word}\\b`).test(words) && words;
});
