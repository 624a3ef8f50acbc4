-- SPDX-License-Identifier: GPL-2.0
-- A pandoc filter for the EPUB. Pandoc puts each chapter into a file of its
-- own, and corrects the links that it knows; those in code are up to us.
local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local book = dofile(here .. '/common.lua')

local file_of = {}	-- id -> file

function book.href(id)
	return (file_of[id] or error('no such place: #' .. id)) .. '#' .. id
end

local function file_name(n)
	return string.format('ch%03d.xhtml', n)
end

local function survey()
	for n, chapter in ipairs(book.chapters) do
		local file = file_name(n)
		pandoc.Div(chapter.blocks):walk({
			Header = function(el)
				file_of[el.identifier] = file
			end,
			Image = function(el)
				file_of[el.identifier] = file
			end,
		})
	end
	for _, chunk in ipairs(book.chunks) do
		local file = file_name(chunk.chapter.number)
		file_of[chunk.id] = file
		local n = chunk.from
		for line in book.lines_of(chunk.text) do
			file_of[chunk.letter .. '-' .. n] = file
			n = n + 1
			local tag = book.tag(line)
			if tag then
				file_of[tag:gsub(':', '')] = file
			end
		end
	end
end

local function raw(text)
	return pandoc.RawBlock('html', text)
end

local function code(el)
	local chunk = book.by_id[el.identifier]
	if not chunk then
		return raw('<pre class="sample"><code>' ..
			book.escape(el.text) .. '</code></pre>')
	end
	local html = book.chunk_html(chunk, book.untab(chunk.text))
	return raw((html:gsub(' tabindex="0" role="group"', '')))
end

local function link(el)
	if el.target:sub(1, 1) == '#' then
		el.target = book.href(el.target:sub(2))
	end
	return el
end

local function tour()
	local out = {'<dl>\n'}
	for _, chapter in ipairs(book.chapters) do
		for _, p in ipairs(book.passages(chapter.letter)) do
			out[#out + 1] = string.format('<dt><a href="%s">%s' ..
				'</a></dt>\n<dd>%s %s</dd>\n',
				book.href((p.tag:gsub(':', ''))), p.tag,
				book.chunk_link(p.chunk, 'ref'), p.file.name)
		end
	end
	out[#out + 1] = '</dl>\n'
	return raw(table.concat(out))
end

local function names()
	local sorted, out = book.sorted_names(), {'<dl>\n'}
	for _, entry in ipairs(sorted) do
		local uses = {}
		for i, id in ipairs(entry.uses) do
			uses[i] = book.chunk_link(book.by_id[id], 'ref')
		end
		out[#out + 1] = string.format('<dt>%s, %s</dt>\n<dd>%s %s' ..
			'</dd>\n', book.name_link(entry), entry.kind,
			book.chunk_link(book.by_id[entry.chunk], 'ref def'),
			table.concat(uses, ' '))
	end
	out[#out + 1] = '</dl>\n'
	return raw(table.concat(out))
end

function Pandoc(doc)
	local rest = book.open(doc)
	survey()
	local blocks = pandoc.List()
	for _, chapter in ipairs(book.chapters) do
		blocks:extend(pandoc.Div(chapter.blocks):walk({
			CodeBlock = code, Link = link, Para = book.figure,
			Figure = book.figure,
		}).content)
	end
	blocks:insert(pandoc.Header(1, 'The passages by tag'))
	blocks:insert(tour())
	blocks:insert(pandoc.Header(1, 'Names'))
	blocks:insert(names())
	blocks:extend(rest)
	doc.blocks = blocks
	return doc
end
