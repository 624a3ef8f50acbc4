// SPDX-License-Identifier: GPL-2.0
// pages.js CHECK FOLDER...: one check of the pages, from their text alone.
// Prints what is wrong, and fails if anything is.
'use strict';

const fs = require('fs');
const path = require('path');

const [check, folder, ...more] = process.argv.slice(2);
const pages = new Map();
for (const name of fs.readdirSync(folder)) {
	if (name.endsWith('.html'))
		pages.set(name, fs.readFileSync(path.join(folder, name), 'utf8'));
}

function all(text, pattern) {
	return [...text.matchAll(pattern)].map(match => match[1]);
}

function withoutCopies(text) {
	return text.replace(/<template.*?<\/template>/gs, '');
}

function plain(html) {
	return html.replace(/<[^>]*>/g, '').replace(/&lt;/g, '<')
		.replace(/&gt;/g, '>').replace(/&quot;/g, '"')
		.replace(/&#39;/g, "'").replace(/&amp;/g, '&');
}

const checks = {
	// No id twice in a page.
	*ids() {
		for (const [name, text] of pages) {
			const seen = new Set();
			for (const id of all(withoutCopies(text), /\sid="([^"]*)"/g)) {
				if (seen.has(id))
					yield `${name}: #${id} twice`;
				seen.add(id);
			}
		}
	},

	// Every link leads somewhere; nothing is fetched from elsewhere.
	*links() {
		const ids = new Map();
		for (const [name, text] of pages)
			ids.set(name, new Set(all(withoutCopies(text),
				/\sid="([^"]*)"/g)));
		for (const [name, text] of pages) {
			for (const to of all(text, /<a\s[^>]*href="([^"]*)"/g)) {
				if (/^https?:/.test(to))
					continue;
				const [page, id] = to.split('#');
				const there = ids.get(page || name) ||
					fs.existsSync(path.join(folder, page)) &&
					new Set();
				if (!there || id && !there.has(id))
					yield `${name}: no ${to}`;
			}
			for (const file of [
				...all(text, /<(?:link|use|image)\s[^>]*href="([^"#]*)/g),
				...all(text, /\ssrc="([^"]*)"/g)]) {
				if (/^(\w+:|\/\/)/.test(file) ||
				    !fs.existsSync(path.join(folder, file)))
					yield `${name}: fetches ${file}`;
			}
			for (const url of all(text, /url\(([^)]*)\)/g)) {
				if (!url.startsWith('#'))
					yield `${name}: url(${url})`;
			}
		}
	},

	// Each function that ctags knows is in the list of names.
	*names() {
		const listed = new Set(all(pages.get('names.html'),
			/<dt><a class="id"[^>]*>([^<]*)<\/a> (?:function|entry|macro)/g));
		const rows = fs.readFileSync(more[0], 'utf8').split('\n');
		for (const row of rows) {
			const [name, kind] = row.split('\t');
			if (kind === 'function' && !listed.has(name))
				yield `${name}: not in the list of names`;
		}
	},

	// By file, each line leads to where extract/lines says that it is from.
	*lines() {
		const letters = 'PGDLHSM';
		const text = fs.readFileSync(more[0], 'utf8').trim().split('\n');
		for (const row of text) {
			const [file, number, chapter, line] = row.split('\t');
			const page = 'file-' + file.replace(/[/.]/g, '-') + '.html';
			const letter = letters[parseInt(path.basename(chapter)) - 1];
			const to = pages.get(page).match(new RegExp(
				`id="L${number}"><a class="n" href="[^"#]*#([^"]*)"`));
			// An empty line at a chunk's end is shown by a neighbour.
			const [at, from] = to ? to[1].split('-') : [];
			if (at !== letter || Math.abs(from - line) > 1 ||
			    from !== line && !isBlank(page, number))
				yield `${file}:${number}: leads to ${to && to[1]}, ` +
					`but is from ${letter}-${line}`;
		}
	},

	// The tour of a letter has what extract/extract prints.
	*tour() {
		const [letter, file] = more;
		const want = fs.readFileSync(file, 'utf8').split('\n')
			.filter(line => line.trim() && !/^\[ .* \]$/.test(line));
		const have = [];
		const page = pages.get(`tag-${letter}.html`);
		for (const code of all(page, /<pre class="listing"[^>]*><code>(.*?)<\/code>/gs)) {
			for (const line of code.split('\n')) {
				const text = plain(line.replace(/<a class="n".*?<\/a>/, ''));
				have.push(text);
			}
		}
		const tidy = lines => lines.map(line => line
			.replace(new RegExp(`${letter}:\\d+`), '')
			.replace(/:\*/, '*').replace('/**/', '').trim())
			.filter(Boolean);
		const a = tidy(want), b = tidy(have);
		for (let i = 0; i < Math.max(a.length, b.length); i++) {
			if (a[i] !== b[i]) {
				yield `line ${i}: terminal: ${a[i]}; book: ${b[i]}`;
				return;
			}
		}
	},
};

function isBlank(page, number) {
	const line = pages.get(page).match(new RegExp(
		`<span class="l" id="L${number}">.*?</a>(.*)</span>`));
	return line && plain(line[1]).trim() === '';
}

let wrong = 0;
for (const complaint of checks[check]()) {
	console.log(complaint);
	wrong++;
}
if (!pages.size) {
	console.log(`no pages in ${folder}`);
	wrong++;
}
process.exit(wrong ? 1 : 0);
