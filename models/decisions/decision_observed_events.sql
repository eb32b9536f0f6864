{%- set looks_back_days = 70 %}
{%- set needs_messages = 200 %}

-- How messages were received, how the list grows and how old the inputs become, day by day; the last whole day is the
-- present. Of days without a send, a consent or a load there is no row: a gap is no nought.
with contacts as (

    select
        contact_id,
        campaign,
        cast(contacted_at as date) as observed_date
    from {{ ref('fct_contacts') }}
    where
        state in ('accepted', 'in_doubt')
        and contacted_at >= {{ days_before(as_of(), looks_back_days) }}
        and cast(contacted_at as date) < cast({{ as_of() }} as date)

),

engagement as (

    select
        contact_id,
        max(case when event = 'unsubscribe' then 1 else 0 end) as unsubscribed,
        max(case when event = 'complaint' then 1 else 0 end) as complained
    from {{ ref('int_engagement_attributed') }}
    where event in ('unsubscribe', 'complaint')
    group by contact_id

),

sends_counted as (

    select
        contacts.campaign,
        contacts.observed_date,
        cast(sum(coalesce(engagement.unsubscribed, 0)) as double) / count(*) as unsubscribed,
        cast(sum(coalesce(engagement.complained, 0)) as double) / count(*) as complained,
        row_number() over (partition by contacts.campaign order by contacts.observed_date desc nulls last) as day_rank
    from contacts
    left join engagement
        on contacts.contact_id = engagement.contact_id
    group by contacts.campaign, contacts.observed_date
    having count(*) >= {{ needs_messages }}

),

people_counted as (

    select
        'list_growth' as measure,
        channel as subject,
        cast(valid_from as date) as observed_date,
        cast(count(*) as double) as value
    from {{ ref('fct_consent_changes') }}
    where state = 'granted' and purpose = 'marketing' and valid_from >= {{ days_before(as_of(), looks_back_days) }}
    group by channel, cast(valid_from as date)

    union all

    select
        'sign_ups' as measure,
        'all' as subject,
        cast(known_at as date) as observed_date,
        cast(count(*) as double) as value
    from {{ ref('fct_signups') }}
    where known_at >= {{ days_before(as_of(), looks_back_days) }}
    group by cast(known_at as date)

),

loads as (

    select distinct
        source_table,
        loaded_at
    from {{ ref('stg_muster__loads') }}
    where rows_landed > 0 and loaded_at >= {{ days_before(as_of(), looks_back_days) }}

),

-- How old the rows had become when the next ones came, and how old the last are by now.
loads_followed as (

    select
        source_table,
        loaded_at,
        lead(loaded_at) over (partition by source_table order by loaded_at asc nulls last) as next_loaded_at
    from loads

),

loads_timed as (

    select
        source_table,
        cast(coalesce(next_loaded_at, {{ as_of() }}) as date) as observed_date,
        cast(
            max({{ dbt.datediff('loaded_at', 'coalesce(next_loaded_at, ' ~ as_of() ~ ')', 'hour') }}) as double
        ) as hours,
        next_loaded_at is null as is_present
    from loads_followed
    group by source_table, cast(coalesce(next_loaded_at, {{ as_of() }}) as date), next_loaded_at is null

)

{% for measure in ['unsubscribed', 'complained'] %}
select
    '{{ measure }}' as measure,
    campaign as subject,
    {{ measure }} as value,
    day_rank = 1 as is_present,
    observed_date
from sends_counted

union all
{% endfor %}
select
    measure,
    subject,
    value,
    {{ days_between('observed_date', as_of()) }} = 1 as is_present,
    observed_date
from people_counted
where observed_date < cast({{ as_of() }} as date)

union all

select
    'freshness_hours' as measure,
    source_table as subject,
    hours as value,
    is_present,
    observed_date
from loads_timed
