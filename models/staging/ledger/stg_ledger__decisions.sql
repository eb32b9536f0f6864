-- Of the decisions of all frozen runs: who was to be treated, who was held out, and who fell out by a rule that is
-- asked after the holdout: these were assigned to be treated too.
{%- set rules_after_holdout = [
    'frequency_cap', 'account_cap', 'lost_priority', 'daily_budget', 'no_allowed_hours', 'expires_before_send',
] %}

with decisions as (

    select
        run_id,
        message_id,
        campaign,
        slot,
        step,
        customer_id,
        verdict,
        reason,
        channel,
        destination,
        purpose,
        market,
        variant,
        offer,
        template,
        message_version,
        send_not_before,
        as_of,
        known_at
    from {{ source('ledger', 'decisions') }}
    where
        {{ known_by_this_run() }}
        and (
            verdict in ('send', 'holdout')
            or reason in ('{{ rules_after_holdout | join("', '") }}')
        )

)

select
    message_id,
    run_id,
    campaign,
    slot,
    customer_id,
    verdict,
    reason,
    channel,
    destination,
    purpose,
    market,
    variant,
    offer,
    template,
    message_version,
    step,
    send_not_before,
    as_of,
    known_at
from decisions
