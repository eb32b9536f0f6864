-- Everything that may stop a campaign of this run as a whole: its size, how its last sends were received, and what is
-- far from usual about it.
{%- for guards in ['guard_sizes', 'guard_sends', 'guard_anomalies'] %}
select
    campaign,
    guard,
    consequence,
    explanation,
    measured,
    limit_value,
    is_tripped
from {{ ref(guards) }}
{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
