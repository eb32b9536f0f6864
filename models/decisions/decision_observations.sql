-- What is watched, day by day: the present one (of this run, or the last whole day) and the days before it.
{%- for observed in ['decision_observed_sizes', 'decision_observed_events'] %}
select
    measure,
    subject,
    value,
    is_present,
    observed_date
from {{ ref(observed) }}
{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
