-- Counters of open days are set to what the ledger has as of a position, and what is on its way to it.
-- KEYS: epoch, live, records, days, the hashes. ARGV: the position's epoch and id, how many entries at most; for each
-- hash its label, its name in entries (`20524`, `20524:chat`), guest, external, internal, bot, converted, page views,
-- actions, duration in ms.
local most, WIDTH = tonumber(A[3]), 10
-- Once every ledger has read on, what is behind the position may be gone, and who asks knows less than the ledger.
local function is_late()
  local ms, seq = lowest(pcall('XINFO', 'GROUPS', K[3]))
  local at, at_seq = A[2]:match('^(%d+)-(%d+)$')
  at, at_seq = tonumber(at), tonumber(at_seq)
  return ms and (ms > at or (ms == at and seq > at_seq))
end
-- Another epoch is another stream: nothing of it is in the ledger for sure.
local is_ours = pcall('GET', K[1]) == A[1]
if is_ours and is_late() then return answer(2) end
local from = is_ours and '(' .. A[2] or '-'
local tail = write('XRANGE', K[3], from, '+', 'COUNT', most + 1)
local entries = 0
for _, place in ipairs(tail) do entries = entries + #place[2] / 2 end
if entries > most then return answer(2) end

local gained, told, sessions, converted, session_of, withheld = {}, {}, {}, {}, {}, false
local function both(entry, day, add)
  add(tostring(day))
  if type(entry.module) == 'string' then add(day .. ':' .. entry.module) end
end
local function gain(entry, by)
  both(entry, entry.day, function(name)
    gained[name] = gained[name] or {}
    gained[name][entry.class] = (gained[name][entry.class] or 0) + by
  end)
end
local function hear(entry)
  local record, session = entry.record or entry.withdrawn, entry.session
  if type(record) == 'table' and type(record.id) == 'string' and type(record.class) == 'string'
      and type(record.day) == 'number' then
    -- What is withdrawn first is in the ledger already; what is told last holds.
    if told[record.id] == nil and entry.withdrawn then gain(record, -1) end
    told[record.id] = entry.record or false
  elseif type(session) == 'table' and type(session.id) == 'string' then
    session_of[session.id] = session
  elseif entry.only then
    withheld = true
  end
end
for _, place in ipairs(tail) do
  for i = 1, #place[2], 2 do
    local known, entry = safely(cjson.decode, place[2][i + 1])
    if known and type(entry) == 'table' then hear(entry) end
  end
end
-- What the ledger takes back because of it, only the ledger knows.
if withheld then return answer(2) end
for _, record in pairs(told) do
  if record then gain(record, 1) end
end
-- Of a session told again nobody knows here whether the ledger has its conversion: only what cannot be is set right.
for _, session in pairs(session_of) do
  both(session, 'all', function(name) sessions[name] = (sessions[name] or 0) + 1 end)
  if type(session.converted) == 'number' and session.gone ~= true then
    both(session, session.converted, function(name) converted[name] = (converted[name] or 0) + 1 end)
  end
end

local FIELDS = { 'sealed', 'guest', 'external', 'internal', 'bot', 'guest_raw', 'billable', 'converted', 'page_views',
  'actions', 'duration_ms' }
local repaired = {}
for i = 5, #K do
  local at, key = 4 + (i - 5) * WIDTH, K[i]
  local now = write('HMGET', key, unpack(FIELDS))
  if not now[1] then
    local name = A[at + 1]
    local function set(field, was, is)
      local is_text, was_number = string.format('%.0f', is), tonumber(was or 0)
      if was_number == is then return end
      call('HSET', key, field, is_text)
      for _, part in ipairs({ A[at], field, was or '0', is_text }) do repaired[#repaired + 1] = part end
    end
    local gains = gained[name] or {}
    local function total(offset, class) return tonumber(A[at + offset]) + (gains[class] or 0) end
    local guest, external, internal, bot = total(2, 'guest'), total(3, 'external'), total(4, 'internal'), total(5, 'bot')
    set('guest', now[2], guest)
    set('external', now[3], external)
    set('internal', now[4], internal)
    set('bot', now[5], bot)
    set('guest_raw', now[6], guest + bot)
    set('billable', now[7], guest + external)
    local in_ledger = tonumber(A[at + 6])
    local least = math.max(0, in_ledger - (sessions[(name:gsub('^%-?%d+', 'all'))] or 0))
    local converted_now = math.min(math.max(tonumber(now[8] or 0) or -1, least), in_ledger + (converted[name] or 0))
    set('converted', now[8], converted_now)
    -- Statistics are counted here alone. Fewer page views than the ledger was given once were lost.
    if (tonumber(now[9] or 0) or -1) < tonumber(A[at + 7]) then
      for offset, field in ipairs({ 'page_views', 'actions', 'duration_ms' }) do
        set(field, now[8 + offset], math.max(tonumber(now[8 + offset] or 0) or 0, tonumber(A[at + 6 + offset])))
      end
      local duration = tonumber(call('HGET', key, 'duration_ms') or 0)
      call('HSET', key, 'duration_seconds', string.format('%.0f', math.floor(duration / 1000)))
    end
    -- Whoever deleted the list of days left the days.
    if call('EXISTS', key) == 1 then write('SADD', K[4], A[at]) end
  end
end
return answer(1, repaired)
