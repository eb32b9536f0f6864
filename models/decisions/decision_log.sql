-- One row per candidate: what was decided, and why. See the docs block.
with candidates as (

    select *
    from {{ ref('decision_candidates') }}

),

recipients as (

    select
        customer_id,
        market,
        country,
        coalesce(region, '') as region,
        coalesce(time_zone, 'unknown') as time_zone,
        language
    from {{ ref('decision_recipients') }}

),

refusals as (

    select
        candidate_id,
        reasons,
        lost_to
    from {{ ref('decision_refusals') }}

),

send_times as (

    select
        country,
        region,
        time_zone,
        quiet_hours_class,
        scheduled_at,
        send_not_before
    from {{ ref('decision_send_times') }}

),

contents as (

    select
        template,
        coalesce(market, '') as market,
        coalesce(language, '') as language,
        content,
        message_version,
        {{ days_after('cast(valid_until as timestamp)', 1) }} as untrue_from
    from {{ ref('decision_contents') }}

),

offers as (

    select
        offer,
        {{ days_after('cast(valid_until as timestamp)', 1) }} as untrue_from
    from {{ ref('offers') }}

),

quiet_classes as (

    select distinct quiet_hours_class
    from {{ ref('quiet_hours') }}

),

candidates_timed as (

    select
        candidates.*,
        {{ message_key('candidates') }} as message_id,
        recipients.market,
        contents.content,
        contents.message_version,
        refusals.lost_to,
        refusals.reasons as refused_for,
        case
            when quiet_classes.quiet_hours_class is null then candidates.scheduled_at
            else send_times.send_not_before
        end as send_not_before,
        least(
            candidates.expires_at,
            coalesce(contents.untrue_from, candidates.expires_at),
            coalesce(offers.untrue_from, candidates.expires_at)
        ) as stale_at
    from candidates
    inner join refusals
        on candidates.candidate_id = refusals.candidate_id
    left join recipients
        on candidates.customer_id = recipients.customer_id
    left join quiet_classes
        on candidates.quiet_hours_class = quiet_classes.quiet_hours_class
    left join send_times
        on
            recipients.country = send_times.country
            and recipients.region = send_times.region
            and recipients.time_zone = send_times.time_zone
            and candidates.quiet_hours_class = send_times.quiet_hours_class
            and candidates.scheduled_at = send_times.scheduled_at
    left join contents
        on
            candidates.template = contents.template
            and coalesce(recipients.market, '') = contents.market
            and coalesce(recipients.language, '') = contents.language
    left join offers
        on candidates.offer = offers.offer

),

candidates_judged as (

    select
        *,
        coalesce(
            refused_for,
            case
                when send_not_before is null then 'no_allowed_hours'
                when send_not_before >= stale_at then 'expires_before_send'
            end
        ) as reasons
    from candidates_timed

)

select
    message_id,
    campaign,
    slot,
    customer_id,
    case
        when reasons is null then 'send'
        when reasons in ('holdout_global', 'holdout_campaign') then 'holdout'
        when reasons in ('expires_before_send', 'no_allowed_hours') then 'defer'
        when reasons in ('frequency_cap', 'account_cap', 'daily_budget') and on_cap = 'defer' then 'defer'
        else 'exclude'
    end as verdict,
    split_part(reasons, ',', 1) as reason,
    reasons,
    lost_to,
    qualified_by,
    channel,
    destination,
    audience_name,
    purpose,
    cap_class,
    coalesce(content, template) as template,
    message_version,
    variant,
    offer,
    fields,
    market,
    step,
    priority,
    excludes_recent_purchasers,
    scheduled_at,
    coalesce(case when refused_for is null then send_not_before end, scheduled_at) as send_not_before,
    stale_at as expires_at
from candidates_judged
