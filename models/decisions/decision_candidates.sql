-- Every candidate of every campaign that competes in this run. It only unions: rules stand below it.
with campaigns_unioned as (
    {% for campaign in campaign_priority() %}
    select
        *,
        {{ loop.index }} as priority
    from {{ ref('cmp_' ~ campaign) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
)

select
    {{ row_identity() }} as candidate_id,
    campaign,
    slot,
    customer_id,
    qualified_by,
    variant,
    offer,
    fields,
    exclusion_reasons,
    channel,
    destination,
    audience_name,
    purpose,
    cap_class,
    on_cap,
    template,
    re_entry,
    quiet_hours_class,
    step,
    priority,
    re_entry_after_days,
    approval_above,
    max_people,
    holdout_share,
    max_drop_share,
    max_growth_share,
    excludes_recent_purchasers,
    scheduled_at,
    expires_at
from campaigns_unioned
where campaign in {{ run_campaigns() }}
