-- What scripts share. KEYS[1] is the portal's epoch.
local K, A, call, type, safely = KEYS, ARGV, redis.call, type, pcall
local pcall = redis.pcall
local aside

-- After a refusal: somebody else's value under a key of ours is renamed, so that what should be there begins anew. Says
-- whether it was that.
local function mend(refused, key)
  for _, sign in ipairs({ 'WRONGTYPE', 'not an integer', 'overflow', 'exhausted' }) do
    if refused.err:find(sign, 1, true) then
      local root, time = K[1]:sub(1, -6), call('TIME')
      local to = root .. 'aside:' .. time[1] .. '.' .. time[2] .. ':' .. key:sub(#root + 1)
      call('RENAME', key, to)
      aside = aside or {}
      aside[#aside + 1] = to
      return true
    end
  end
  return false
end

local function write(command, key, ...)
  local done = pcall(command, key, ...)
  if type(done) ~= 'table' or not done.err then return done end
  mend(done, key)
  -- Any other refusal is raised.
  return call(command, key, ...)
end

local function answer(code, values)
  if not (aside or values) then return code end
  local all = { code, values or {} }
  for i = 1, aside and #aside or 0 do all[i + 2] = aside[i] end
  return all
end

