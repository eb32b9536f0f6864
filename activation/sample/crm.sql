-- Synthetic but for the household's number: names, addresses, time zones, accounts, devices, preferences.

-- crm.profiles
with people as (
    select
        households.*,
        pick(
            ['Alex', 'Maria', 'James', 'Linda', 'Omar', 'Priya', 'Chen', 'Sofia', 'David', 'Emma', 'Noah', 'Grace',
             'Luis', 'Hannah', 'Peter', 'Amara', 'Kenji', 'Zoë', 'Ivan', 'Ruth'], 'first' || id
        ) as first_name,
        pick(
            ['Smith', 'Johnson', 'Garcia', 'Miller', 'Davis', 'Nguyen', 'Patel', 'Müller', 'O''Brien', 'Lopez',
             'Wilson', 'Lee', 'Clark', 'Young', 'Schmidt', 'Wright'], 'last' || id
        ) as last_name,
        date '1940-01-01' + cast(floor(chance('born' || id) * 22000) as int) as birth_date,
        case when chance('company' || id) < 0.06
            then pick(['Northwind', 'Contoso', 'Fabrikam', 'Initech', 'Globex'], 'employer' || id) end as company,
        case when chance('loyalty' || id) < 0.5 then 'L' || (70000000 + household_id) end as loyalty_number,
        (100 + household_id) || ' ' || pick(['Oak', 'Main', 'Elm', 'Lake', 'Hill', 'Mill'], 'street' || id)
            || ' Street' as address,
        places.postal_code,
        places.city,
        case
            when chance('zone' || id) < 0.01 then null
            when chance('zone' || id) < 0.02 then 'Mars/Phobos'
            else places.timezone
        end as timezone,
        case households.country when 'DE' then 'de' when 'CA' then 'fr' else 'en' end as language,
        pick(['teacher', 'nurse', 'engineer', 'driver', 'clerk', 'student', 'retired', 'manager'], 'job' || id)
            as occupation,
        case when chance('account' || id) < 0.049
            then 'acc-' || cast(1 + floor(chance('which' || id) * 40) as int) end as account_id,
        pick(['cooking', 'garden', 'fitness', 'family', 'pets'], 'interest' || id) as interests
    from households
    inner join places
        on households.country = places.country
        and places.place = 1 + cast(floor(chance('place' || id) * (
            select count(*) from places as others where others.country = households.country
        )) as int)
),

first_rows as (
    select
        id as profile_id,
        'crm' as source_system,
        case when has_email then email end as email,
        case
            when not has_phone then null
            when chance('wrong' || id) < 0.003 then '12345'
            when country in ('US', 'CA') and chance('written' || id) < 0.1
                then '(555) ' || substr(phone, 6, 3) || '-' || substr(phone, 9)
            else phone
        end as phone,
        first_name, last_name, birth_date, company, loyalty_number, address, postal_code, city, country, timezone, language, occupation, account_id,
        interests,
        'customer' as lifecycle_stage,
        created_at,
        created_at as updated_at
    from people
),

-- One household of twenty-five moved house in 2017.
moved as (
    select * replace (
        'Springfield' as city, '62701' as postal_code, 'America/Chicago' as timezone, '1 New Street' as address,
        between_times(greatest(created_at, timestamp '2017-01-01'), timestamp '2017-12-31', 'moved' || profile_id)
            as updated_at
    )
    from first_rows
    where country = 'US' and chance('moves' || profile_id) < 0.04
),

-- A second profile of the same person in the shop's own system: what identity resolution has to find.
duplicates as (
    select
        id || '-shop' as profile_id,
        'shop' as source_system,
        case
            when chance('same' || id) < 0.6 and has_email then ' ' || upper(email) || ' '
            when not has_phone then 'Household' || id || '@Example.com'
        end as email,
        case when has_phone and (chance('same' || id) >= 0.5 or not has_email) then phone end as phone,
        first_name,
        last_name,
        case when chance('birth_asked' || id) < 0.5 then birth_date end as birth_date,
        null as company,
        case when chance('card_shown' || id) < 0.3 then loyalty_number end as loyalty_number,
        null as address,
        null as postal_code,
        null as city,
        country,
        null as timezone,
        language,
        null as occupation,
        null as account_id,
        null as interests,
        'customer' as lifecycle_stage,
        created_at + interval 30 day as created_at,
        created_at + interval 30 day as updated_at
    from people
    where has_duplicate
)

select *, known_at(updated_at) as _loaded_at
from (select * from first_rows union all select * from moved union all select * from duplicates)
order by updated_at, profile_id

-- crm.accounts
select
    'acc-' || number as account_id,
    pick(['North', 'Blue', 'Green', 'City', 'River'], 'name' || number) || ' '
        || pick(['Foods', 'Catering', 'Bakery', 'Diner', 'Kitchens'], 'kind' || number) || ' ' || number as name,
    'US' as country,
    'owner' || (1 + number % 4) || '@shop.example.com' as owner,
    timestamp '2016-06-02 01:00:00' as _loaded_at
from range(1, 41) as numbers (number)
order by number

-- crm.opportunities
select
    'opp-' || number as opportunity_id,
    'acc-' || (1 + number % 40) as account_id,
    stages.stage,
    cast(500 + floor(chance('amount' || number) * 20000) as decimal(18, 4)) as amount,
    'USD' as currency,
    opened_at,
    case when stages.stage in ('won', 'lost') then opened_at + interval 45 day end as closed_at,
    known_at(case when stages.stage in ('won', 'lost') then opened_at + interval 45 day else opened_at end)
        as _loaded_at
from (
    select number, between_times(timestamp '2017-01-01', timestamp '2017-11-15', 'opened' || number) as opened_at
    from range(1, 61) as numbers (number)
)
cross join lateral (
    select 'open' as stage
    union all
    select pick(['won', 'lost'], 'stage' || number) where chance('closed' || number) < 0.5
) as stages
order by _loaded_at, opportunity_id, stage

-- crm.preferences
select
    id as profile_id,
    preference,
    case preference
        when 'newsletter_frequency' then pick(['weekly', 'monthly'], 'value' || preference || id || turn)
        else pick(['produce', 'bakery', 'meat', 'household'], 'value' || preference || id || turn)
    end as value,
    case turn
        when 1 then created_at + interval 1 hour
        else between_times(greatest(created_at, timestamp '2017-01-01'), timestamp '2017-12-31', 'turn' || id)
    end as changed_at,
    known_at(changed_at) as _loaded_at
from households
cross join (values ('newsletter_frequency'), ('favourite_category')) as preferences (preference)
cross join (values (1, 0.25), (2, 0.05)) as turns (turn, share)
where chance('preference' || preference || id) < share
order by changed_at, profile_id, preference

-- crm.devices
select
    'device-' || number || '-' || id as device_id,
    id as profile_id,
    case when platform <> 'web' then 'ExponentPushToken[synthetic-' || number || '-' || id || ']' end as push_token,
    platform,
    seen_at,
    known_at(seen_at) as _loaded_at
from (
    select
        id,
        number,
        pick(['ios', 'android', 'web'], 'platform' || number || id) as platform,
        between_times(greatest(created_at, timestamp '2017-01-01'), timestamp '2017-12-31', 'seen' || number || id)
            as seen_at
    from households
    cross join (values (1), (2)) as numbers (number)
    where has_device and (number = 1 or chance('second' || id) < 0.2)
)
order by seen_at, device_id
