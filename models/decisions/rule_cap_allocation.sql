-- Rule 9. Winners take what is left of each cap of the person and of the account, in priority order; for who comes too
-- late it is used up. What one cap refuses is not given to another message: nobody is promoted.
with winners as (

    select
        winners.candidate_id,
        winners.slot,
        winners.customer_id,
        winners.channel,
        winners.cap_class,
        winners.step,
        winners.priority,
        winners.scheduled_at,
        recipients.account_id
    from {{ ref('decision_winners') }} as winners
    inner join {{ ref('decision_recipients') }} as recipients
        on winners.customer_id = recipients.customer_id
    where winners.cap_class is not null

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

-- Most people have one winner and used nothing: no cap can stand against them.
contested as (

    select customer_id
    from winners
    group by customer_id
    having count(*) > 1 or max(account_id) is not null

    union

    select holder_id as customer_id
    from cap_usage

),

winners_held as (

    select
        winners.candidate_id,
        winners.slot,
        winners.customer_id,
        winners.step,
        winners.priority,
        winners.scheduled_at,
        caps.cap,
        caps.scope,
        caps.max_contacts,
        case when caps.scope = 'account' then winners.account_id else winners.customer_id end as holder_id
    from winners
    inner join contested
        on winners.customer_id = contested.customer_id
    inner join caps
        on
            caps.cap_class in (winners.cap_class, 'any')
            and caps.channel in (winners.channel, 'any')
            and (caps.scope = 'customer' or winners.account_id is not null)

),

winners_ranked as (

    select
        winners_held.candidate_id,
        winners_held.scope,
        winners_held.max_contacts - coalesce(cap_usage.contact_count, 0) as contacts_left,
        row_number() over (
            partition by winners_held.cap, winners_held.holder_id
            order by
                winners_held.priority asc nulls last, winners_held.scheduled_at asc nulls last,
                winners_held.slot asc nulls last, winners_held.step asc nulls last,
                winners_held.customer_id asc nulls last
        ) as place
    from winners_held
    left join cap_usage
        on
            winners_held.cap = cap_usage.cap
            and winners_held.holder_id = cap_usage.holder_id

)

select
    candidate_id,
    case
        when max(case when scope = 'customer' then 1 else 0 end) = 1 then 'frequency_cap'
        else 'account_cap'
    end as reason
from winners_ranked
where place > contacts_left
group by candidate_id
