// SPDX-License-Identifier: GPL-2.0
// Without this, all links are plain links. With it, chunks unfold where they
// are used, colours can be chosen, and there is a search.
'use strict';

const root = document.documentElement;

function remembered() {
	try {
		return localStorage.getItem('lguest-theme');
	} catch {
		return null;	// Some browsers keep nothing for file://.
	}
}

function show(theme) {
	if (theme)
		root.dataset.theme = theme;
	else
		delete root.dataset.theme;
}
show(remembered());

function make(tag, properties, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

// Light, dark, or as the system has it.
function addThemes(bar) {
	const next = {light: 'dark', dark: '', '': 'light'};
	const chosen = make('span');
	const button = make('button', {type: 'button'},
		make('span', {className: 'wide', textContent: 'Colours: '}), chosen);
	const say = () => {
		chosen.textContent = root.dataset.theme || 'auto';
		button.setAttribute('aria-label',
			'Colours: ' + chosen.textContent);
	};
	button.addEventListener('click', () => {
		const theme = next[root.dataset.theme || ''];
		show(theme);
		try {
			localStorage.setItem('lguest-theme', theme);
		} catch {
			// It lasts for this page, then.
		}
		say();
	});
	say();
	bar.append(button);
}

// The lines of a chunk, and of all that continue it, without their ids.
function linesOf(id) {
	const lines = [];
	for (let at = id; at;) {
		const chunk = document.getElementById(at);
		const copy = document.querySelector(`template[data-of="${at}"]`);
		const code = chunk ? chunk.querySelector('code') : copy.content;
		lines.push(...code.cloneNode(true).childNodes);
		at = (chunk || copy).dataset.next;
	}
	const box = make('span', {className: 'open'});
	for (const line of lines)
		box.append(line);
	for (const element of box.querySelectorAll('.open, .tag'))
		element.remove();
	for (const element of box.querySelectorAll('[id]'))
		element.removeAttribute('id');
	for (const button of box.querySelectorAll('button.use'))
		revive(button);
	return box;
}

function indentOf(line) {
	const range = document.createRange();
	range.setStart(line, 0);
	range.setEndBefore(line.querySelector('.use'));
	return range.toString();
}

function unfold(button) {
	const line = button.closest('.l');
	const open = button.getAttribute('aria-expanded') === 'true';
	button.setAttribute('aria-expanded', String(!open));
	if (open) {
		line.nextElementSibling.remove();
		return;
	}
	const box = linesOf(button.dataset.of);
	const indent = indentOf(line);
	for (const inner of box.querySelectorAll('.l'))
		inner.prepend(indent);
	addButtons(box);
	line.after(box);
}

function revive(button) {
	button.setAttribute('aria-expanded', 'false');
	button.addEventListener('click', () => unfold(button));
}

// A use becomes a button that unfolds it; an arrow is the link that it was.
function addButtons(where) {
	for (const link of where.querySelectorAll('a.use')) {
		const of = link.hash.slice(1);
		if (!document.getElementById(of) &&
		    !document.querySelector(`template[data-of="${of}"]`))
			continue;
		const button = make('button', {type: 'button', className: 'use',
			textContent: link.textContent});
		button.dataset.of = of;
		revive(button);
		link.replaceWith(button);
		link.className = 'go';
		link.setAttribute('aria-label', 'Go to ' + link.textContent);
		link.textContent = '→';
		button.after(link);
	}
}

let index;

function load(file) {
	return new Promise((done, failed) => {
		document.head.append(make('script', {src: file, onload: done,
			onerror: failed}));
	});
}

// search.js calls this.
function lguestSearch(entries) {
	lunr.tokenizer.separator = /[^A-Za-z0-9_:]+/;
	index = {entries, lunr: lunr(function () {
		this.ref('at');
		this.field('title', {boost: 8});
		this.field('text');
		entries.forEach(([, title, , text], at) =>
			this.add({at, title, text}));
	})};
}

async function search(text) {
	if (!window.lunr)
		await load('lunr.js');
	if (!index)
		await load('search.js');
	const words = text.split(lunr.tokenizer.separator).filter(Boolean);
	const hits = index.lunr.query(query => {
		for (const word of words) {
			query.term(lunr.tokenizer(word), {boost: 10});
			query.term(word.toLowerCase(), {usePipeline: false,
				wildcard: lunr.Query.wildcard.TRAILING});
		}
	});
	return hits.slice(0, 30).map(hit => index.entries[hit.ref]);
}

function snippet(text, query) {
	const word = query.split(/\s+/)[0].toLowerCase();
	const at = Math.max(0, text.toLowerCase().indexOf(word) - 40);
	return (at ? '… ' : '') + text.slice(at, at + 140);
}

function addSearch(bar) {
	const input = make('input', {type: 'search', placeholder: 'Search'});
	input.setAttribute('aria-label', 'Search the book');
	const list = make('ol');
	const found = make('div', {className: 'found', hidden: true});
	const count = make('p');
	count.setAttribute('role', 'status');
	found.append(count, list);
	const form = make('form', {className: 'search'}, input, found);
	form.setAttribute('role', 'search');
	form.addEventListener('submit', event => {
		event.preventDefault();
		list.querySelector('a')?.click();
	});
	input.addEventListener('input', async () => {
		const query = input.value.trim();
		const hits = query ? await search(query) : [];
		if (query !== input.value.trim())
			return;
		found.hidden = !query;
		count.textContent = hits.length ?
			`${hits.length} found` : 'Nothing found';
		list.replaceChildren(...hits.map(([kind, title, to, text]) =>
			make('li', {}, make('a', {href: to, textContent: title}),
				make('small', {textContent: kind + ' · ' +
					snippet(text, query)}))));
	});
	form.addEventListener('keydown', event => {
		const stops = [input, ...list.querySelectorAll('a')];
		const at = stops.indexOf(document.activeElement);
		const to = {ArrowDown: stops[at + 1], ArrowUp: stops[at - 1],
			Escape: input}[event.key];
		if (event.key === 'Escape')
			found.hidden = true;
		if (to) {
			event.preventDefault();
			to.focus();
		}
	});
	list.addEventListener('click', () => {
		found.hidden = true;
	});
	bar.append(form);
}

document.addEventListener('DOMContentLoaded', () => {
	const bar = document.querySelector('.top');
	addSearch(bar);
	addThemes(bar);
	addButtons(document);
});
