-- SPDX-License-Identifier: GPL-2.0
-- What the filters have in common: chunks, names and files as the reader left
-- them in the document, and code rendered by pandoc's own highlighter.
local book = {}

function book.read(path)
	local file = assert(io.open(path))
	local text = file:read('a')
	file:close()
	return text
end

function book.words(text)
	local out = {}
	for word in (text or ''):gmatch('%S+') do
		out[#out + 1] = word
	end
	return out
end

-- Takes the names and files out of the document, and looks at the rest. Of the
-- chapters, some are told, and have a letter; the others are extras.
function book.open(doc)
	book.told, book.extras = {}, {}
	book.chapters, book.chunks, book.by_id = {}, {}, {}
	book.first, book.names, book.by_name, book.files = {}, {}, {}, {}
	book.defined = {}	-- line -> names
	book.by_tag = {}	-- tag -> its chunk
	local others = pandoc.List()
	for _, block in ipairs(doc.blocks) do
		if block.t == 'CodeBlock' and block.classes[1] == 'names' then
			book.read_names(block.text)
		elseif block.t == 'CodeBlock' and block.classes[1] == 'file' then
			table.insert(book.files, {name = block.attributes.name,
				lang = block.classes[2], text = block.text,
				keys = book.words(block.attributes.keys)})
		elseif block.t == 'Div' and block.classes[1] == 'chapter' then
			book.chapter(block)
		else
			others:insert(block)
		end
	end
	return others
end

function book.read_names(text)
	for row in text:gmatch('[^\n]+') do
		local name, kind, file, line, key, chunk, uses =
			row:match('^(%S+)\t(%S+)\t(%S+)\t(%d+)\t(%S+)\t(%S+)' ..
				'\t(.*)$')
		local entry = {name = name, kind = kind, file = file,
			line = line, key = key, chunk = chunk,
			uses = book.words(uses)}
		table.insert(book.names, entry)
		book.defined[key] = book.defined[key] or {}
		table.insert(book.defined[key], entry)
	end
end

-- As people look for them: whatever the case, and without leading dashes.
function book.sorted_names()
	local function plain(entry)
		return entry.name:lower():gsub('^_+', '')
	end
	local sorted = {table.unpack(book.names)}
	table.sort(sorted, function(a, b)
		local x, y = plain(a), plain(b)
		if x ~= y then
			return x < y
		end
		return a.key < b.key
	end)
	return sorted
end

function book.chapter(div)
	local n = #book.chapters + 1
	local head = div.content[1]
	local chapter = {number = n, letter = div.attributes.letter,
		title = pandoc.utils.stringify(head), id = head.identifier,
		file = div.attributes.file, blocks = div.content}
	chapter.page = chapter.file:gsub('^.*/', ''):gsub('^%d+%-', '')
		:gsub('%.%w+$', '')
	book.chapters[n] = chapter
	table.insert(chapter.letter ~= '' and book.told or book.extras, chapter)
	div:walk({CodeBlock = function(el)
		if el.classes[1] ~= 'chunk' then
			return
		end
		local a = el.attributes
		local chunk = {id = el.identifier, name = a.name,
			serial = tonumber(a.serial), lang = el.classes[2],
			text = el.text, letter = chapter.letter,
			chapter = chapter, from = tonumber(a.from),
			numbers = {}, lands = {}, usedin = book.words(a.usedin),
			prev = a.prev ~= '' and a.prev,
			next = a.next ~= '' and a.next}
		for number in (a.numbers .. ','):gmatch('([^,]*),') do
			table.insert(chunk.numbers, number)
		end
		for _, place in ipairs(book.words(a.lands)) do
			local file, x, y = place:match('^(.*):(%d+)%-(%d+)$')
			table.insert(chunk.lands, {file = file, first = x,
				last = y})
		end
		book.chunks[chunk.serial] = chunk
		book.by_id[chunk.id] = chunk
		book.first[chunk.name] = book.first[chunk.name] or chunk
		for line in book.lines_of(chunk.text) do
			local tag = book.tag(line)
			if tag then
				book.by_tag[tag] = chunk
			end
		end
	end})
end

-- How wide is a stand-in, in columns?
function book.width(kind, number)
	if kind == 'I' then
		return #book.names[number].name
	end
	return #book.chunks[number].name + 2
end

-- Code with spaces for tabs, though the stand-ins have other widths.
function book.untab(text)
	local out = {}
	for line in (text .. '\n'):gmatch('(.-)\n') do
		local made, column, i = {}, 0, 1
		while i <= #line do
			local kind, number = line:match('^NW([IU])(%d+)%u', i)
			local c = line:sub(i, i)
			if kind then
				column = column + book.width(kind,
					tonumber(number))
				c = 'NW' .. kind .. number .. kind
			elseif c == '\t' then
				c = (' '):rep(8 - column % 8)
				column = column + #c
			else
				column = column + 1
			end
			made[#made + 1] = c
			i = i + (c:match('^ +$') and 1 or #c)
		end
		out[#out + 1] = table.concat(made)
	end
	return table.concat(out, '\n')
end

-- The highlighter's HTML, line by line; most code is shown more than once.
local highlighted = {}
local function highlight(text, lang)
	local id = lang .. '\n' .. text
	if highlighted[id] then
		return highlighted[id]
	end
	local block = pandoc.CodeBlock(text, pandoc.Attr('', {lang}))
	local html = pandoc.write(pandoc.Pandoc({block}), 'html5')
	html = html:match('<code[^>]*>(.*)</code>')
	local lines = {}
	for line in (html .. '\n'):gmatch('(.-)\n') do
		lines[#lines + 1] = line:gsub(
			'^<span id="[^"]*"><a [^>]*></a>', ''):gsub('</span>$', '')
	end
	highlighted[id] = lines
	return lines
end

-- One string of HTML a line; link(kind, number) replaces the stand-ins.
function book.html_lines(text, lang, link)
	local lines = {}
	for i, line in ipairs(highlight(text, lang)) do
		lines[i] = line:gsub('NW([IU])(%d+)%1', function(kind, number)
			return link(kind, tonumber(number))
		end)
	end
	return lines
end

function book.escape(text)
	return (text:gsub('[&<>"]', {['&'] = '&amp;', ['<'] = '&lt;',
		['>'] = '&gt;', ['"'] = '&quot;'}))
end

-- The tag with which a passage begins, if this line of code begins one.
function book.tag(line)
	return line:match('^/%*([PGDLHSM]:%d%d%d)%f[^%d]')
end

-- Who writes pages sets these: an address from an id, and one for a line of
-- a file, if there is such a page.
function book.href(id)
	return '#' .. id
end

function book.file_href()
end

function book.name_link(entry)
	return string.format('<a class="id" href="%s">%s</a>',
		book.href(entry.key), book.escape(entry.name))
end

function book.chunk_link(chunk, class)
	return string.format('<a class="%s" href="%s">%s</a>',
		class, book.href(chunk.id), book.escape(chunk.name))
end

-- What stands in for NWI7I and NWU7U.
function book.code_link(kind, number)
	if kind == 'I' then
		return book.name_link(book.names[number])
	end
	return book.chunk_link(book.first[book.chunks[number].name], 'use')
end

function book.lines_of(text)
	return (text .. '\n'):gmatch('(.-)\n')
end

-- A chunk's code; ids are left out where it is a copy.
function book.chunk_lines(chunk, text, copy)
	local out = {}
	local lines = book.html_lines(text, chunk.lang, book.code_link)
	for line in book.lines_of(text) do
		local n = #out + 1
		local number = chunk.numbers[n]
		local tag = not copy and book.tag(line)
		local attributes, mark = '', ''
		if tag then
			local id = tag:gsub(':', '')
			mark = string.format('<a class="tag" id="%s" ' ..
				'href="#%s">%s</a>', id, id, tag)
		end
		if number ~= '' and not copy then
			attributes = string.format(' id="%s-%d"',
				chunk.letter, chunk.from + n - 1)
		end
		if number ~= '' then
			attributes = attributes .. ' data-n="' .. number .. '"'
		end
		out[n] = string.format('<span class="l"%s>%s%s</span>',
			attributes, mark, lines[n])
	end
	return table.concat(out, '\n')
end

function book.place(place)
	local lines = place.first
	if place.last ~= place.first then
		lines = place.first .. '–' .. place.last
	end
	return place.file .. ':' .. lines
end

-- Where it is used, each name once, and where it goes on.
function book.chunk_notes(chunk)
	local used, seen, notes = {}, {}, {}
	for _, id in ipairs(chunk.usedin) do
		local user = book.by_id[id]
		if not seen[user.name] then
			used[#used + 1] = book.chunk_link(user, 'ref')
		end
		seen[user.name] = true
	end
	if #used > 0 then
		notes[1] = 'Used in ' .. table.concat(used, ', ') .. '.'
	end
	local function go(id, text)
		if id then
			notes[#notes + 1] = string.format(
				'<a href="%s">%s</a>.', book.href(id), text)
		end
	end
	go(chunk.prev, 'Begun before')
	go(chunk.next, 'Continued')
	return table.concat(notes, ' ')
end

function book.chunk_html(chunk, text)
	local out = {}
	local function put(...)
		out[#out + 1] = string.format(...)
	end
	local name = book.escape(chunk.name)
	put('<div class="chunk" id="%s"%s>\n<p class="head">' ..
		'<a class="ref" href="#%s">%s</a> %s', chunk.id,
		chunk.next and ' data-next="' .. chunk.next .. '"' or '',
		chunk.id, name, chunk.prev and '+≡' or '≡')
	for _, place in ipairs(chunk.lands) do
		local href = book.file_href(place.file, place.first)
		if href then
			put(' <a class="lands" href="%s">%s</a>', href,
				book.place(place))
		else
			put(' <span class="lands">%s</span>',
				book.place(place))
		end
	end
	put('</p>\n<pre tabindex="0" role="group" aria-label="Code: %s">' ..
		'<code>', name)
	put('%s', book.chunk_lines(chunk, text))
	put('</code></pre>')
	local notes = book.chunk_notes(chunk)
	if notes ~= '' then
		put('\n<p class="foot">%s</p>', notes)
	end
	put('\n</div>')
	return table.concat(out)
end

-- The code as people know it.
function book.plain(text)
	return (text:gsub('NW([IU])(%d+)%1', function(kind, number)
		number = tonumber(number)
		if kind == 'I' then
			return book.names[number].name
		end
		return '<<' .. book.chunks[number].name .. '>>'
	end))
end

-- A figure's text goes into the page, so that it follows the page's colours.
-- It can have the focus, and scroll, where it is too wide.
-- To pandoc 2 it is a paragraph that has only an image; to 3, a block of its own.
function book.figure(el)
	local para, image = el, nil
	if el.t == 'Figure' then
		para = el.content[1]
	end
	if para and para.content and #para.content == 1 then
		image = para.content[1]
	end
	if not image or image.t ~= 'Image' then
		return nil
	end
	if el.t == 'Figure' then
		image.identifier = el.identifier
	end
	local svg = book.read('book/' .. image.src):gsub('^.-<svg', function()
		return '<svg role="img" aria-label="' ..
			book.escape(pandoc.utils.stringify(image.caption)) .. '"'
	end, 1)
	local caption = pandoc.write(pandoc.Pandoc({pandoc.Plain(
		image.caption)}), 'html5')
	return pandoc.RawBlock('html', string.format('<figure id="%s" ' ..
		'tabindex="0">\n%s<figcaption>%s</figcaption>\n</figure>',
		image.identifier, svg, caption))
end

-- The passages of a letter, in the order of their numbers, as extract/extract
-- prints them: up to the next `:*`, or the next passage of that letter.
function book.passages(letter)
	local found = {}
	for _, file in ipairs(book.files) do
		local passage, n = nil, 0
		for line in book.lines_of(file.text) do
			n = n + 1
			local tag = book.tag(line)
			if tag and tag:sub(1, 1) == letter then
				passage = {tag = tag, file = file, first = n,
					chunk = book.by_tag[tag]}
				found[#found + 1] = passage
			end
			if passage then
				passage.last = n
				if n > passage.first and
				   line:find(':*', 1, true) then
					passage = nil
				end
			end
		end
	end
	table.sort(found, function(a, b) return a.tag < b.tag end)
	return found
end

return book
