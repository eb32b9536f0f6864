-- Rule 7. Fails where a cap that applies to the message, of the person or of the account, was used up before this
-- run. A cap applies to its class and channel, or to any.
with survivors as (

    select
        candidate_id,
        customer_id,
        channel,
        cap_class
    from {{ ref('decision_survivors') }}
    where cap_class is not null

),

recipients as (

    select
        customer_id,
        account_id
    from {{ ref('decision_recipients') }}
    where account_id is not null

),

caps as (

    select
        cap,
        cap_class,
        channel,
        scope,
        max_contacts
    from {{ ref('frequency_caps') }}

),

cap_usage as (

    select
        cap,
        holder_id,
        contact_count
    from {{ ref('decision_cap_usage') }}

),

caps_used_up as (

    select
        caps.cap_class,
        caps.channel,
        caps.scope,
        cap_usage.holder_id
    from cap_usage
    inner join caps
        on cap_usage.cap = caps.cap
    where cap_usage.contact_count >= caps.max_contacts

),

holders as (

    select
        candidate_id,
        channel,
        cap_class,
        customer_id as holder_id,
        'customer' as scope
    from survivors

    union all

    select
        survivors.candidate_id,
        survivors.channel,
        survivors.cap_class,
        recipients.account_id as holder_id,
        'account' as scope
    from survivors
    inner join recipients
        on survivors.customer_id = recipients.customer_id

)

select
    holders.candidate_id,
    case when max(holders.scope) = 'customer' then 'frequency_cap' else 'account_cap' end as reason
from holders
inner join caps_used_up
    on
        holders.holder_id = caps_used_up.holder_id
        and holders.scope = caps_used_up.scope
        and caps_used_up.cap_class in (holders.cap_class, 'any')
        and caps_used_up.channel in (holders.channel, 'any')
group by holders.candidate_id
