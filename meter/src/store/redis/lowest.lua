-- Up to where every group of a stream was given it: the id's milliseconds, its number, and the id; nothing without groups.
local function lowest(groups)
  local lowest_ms, lowest_seq, id
  for _, group in ipairs(groups) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' then
        local ms, seq = group[i + 1]:match('^(%d+)-(%d+)$')
        ms, seq = tonumber(ms), tonumber(seq)
        if not id or ms < lowest_ms or (ms == lowest_ms and seq < lowest_seq) then
          lowest_ms, lowest_seq, id = ms, seq, group[i + 1]
        end
      end
    end
  end
  return lowest_ms, lowest_seq, id
end

