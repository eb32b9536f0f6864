-- How many people each campaign is about, and plans to reach: in this run, and on each day before by its latest run.
with campaign_sizes as (

    select
        campaign,
        people_eligible,
        people_planned
    from {{ ref('campaign_sizes') }}

),

earlier_sizes as (

    select
        campaign,
        people_eligible,
        people_planned,
        cast(as_of as date) as observed_date,
        row_number() over (
            partition by campaign, cast(as_of as date) order by run_rank asc nulls last
        ) as rank_of_day
    from {{ ref('stg_ledger__campaign_sizes') }}

)

{% for measure, column in [('audience_size', 'people_eligible'), ('send_volume', 'people_planned')] %}
select
    '{{ measure }}' as measure,
    campaign as subject,
    cast({{ column }} as double) as value,
    true as is_present,
    cast({{ as_of() }} as date) as observed_date
from campaign_sizes

union all

select
    '{{ measure }}' as measure,
    campaign as subject,
    cast({{ column }} as double) as value,
    false as is_present,
    observed_date
from earlier_sizes
where rank_of_day = 1

{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
